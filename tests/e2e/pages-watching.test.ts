import { describe, expect, it } from 'vitest'
import { startConsoleStub } from '../fixtures/console-stub-server.ts'
import { FAILED, logIn, MEDIA, ORDERS, row, stubbedPages } from '../fixtures/stubbed-pages.ts'

const pages = stubbedPages()

describe('watching on the pages', () => {
	it('rows change in place as events come, and the URL keeps the filter', async () => {
		const page = await pages.open()
		await logIn(page, pages.full)
		const word = row(page, 'search-indexer').getByText(/pulling \d+ %/)
		const first = await word.textContent()
		await expect.poll(() => word.textContent(), { timeout: 10_000 }).not.toBe(first)
		await page.getByRole('link', { name: /^Failed/ }).click()
		await page.waitForURL('**/?status=failed')
		await page.reload()
		expect(await page.locator('li[data-workload]').count()).toBe(1)
		await page.getByLabel('Search workloads').fill('nothing like this')
		await page.getByText('No workload matches.').waitFor()
	})

	it('what is stale becomes unknown, never green, and comes back', async () => {
		const stub = await startConsoleStub({ scenario: 'full' })
		pages.cleanup(() => stub.stop())
		const page = await pages.open()
		await logIn(page, stub)
		await page.clock.install()
		await page.reload()
		await page.getByText('Live', { exact: true }).filter({ visible: true }).waitFor()
		await page.route('**/live', (route) => route.abort())
		await page.context().setOffline(true)
		await page.clock.fastForward('00:40')
		await page.locator('li[data-workload][data-status=unknown]').nth(6).waitFor()
		await page
			.getByText(/last update \d+ s ago/)
			.filter({ visible: true })
			.waitFor()
		expect(await page.locator('li[data-workload][data-status=running]').count()).toBe(0)
		await page.unroute('**/live')
		await page.context().setOffline(false)
		await expect
			.poll(
				async () => {
					await page.clock.fastForward('00:05')
					return page.locator('li[data-workload][data-status=running]').count()
				},
				{ timeout: 20_000 },
			)
			.toBe(3)
		pages.forgive()
	})

	it('credentials are not in the page until asked for', async () => {
		const page = await pages.open()
		await logIn(page, pages.full)
		await page.goto(pages.full.url + ORDERS)
		expect(await page.content()).not.toContain('p7Qm2xVt9LrKc4NwYb8sGd3HfJ6zTe5A')
		await page.getByRole('button', { name: 'Show' }).click()
		await page.getByText("psql 'postgresql://orders:p7Qm2x").waitFor()
		await page.getByText('Node.js', { exact: true }).click()
		await page.getByText("new pg.Pool({ connectionString: 'postgresql://orders").waitFor()
		await page.getByRole('button', { name: 'Hide' }).click()
		await page.getByText("psql '<connection string>'").waitFor({ state: 'attached' })
	})

	it('a failed step is open with its last lines', async () => {
		const page = await pages.open()
		await logIn(page, pages.full)
		await page.goto(pages.full.url + FAILED)
		const timeline = page.getByRole('region', { name: 'Timeline' })
		await timeline.getByText('CONTAINER_EXITED').waitFor()
		await timeline.getByText('getaddrinfo ENOTFOUND db.internal').waitFor()
	})

	it('logs follow; leaving the bottom pauses, coming back goes on; a flood is sampled and can be opened', async () => {
		const page = await pages.open()
		await logIn(page, pages.full)
		await page.goto(pages.full.url + MEDIA)
		const log = page.getByRole('log')
		await log.getByText('checkpoint').first().waitFor()
		await log.hover()
		await page.mouse.wheel(0, -4_000)
		await page.getByRole('button', { name: /new lines? below|Back to the newest/ }).waitFor()
		const top = await log.evaluate((element) => element.scrollTop)
		await page.getByRole('button', { name: /new lines below/ }).waitFor()
		expect(await log.evaluate((element) => element.scrollTop)).toBe(top)
		await page.getByRole('button', { name: /new lines below/ }).click()
		await expect.poll(() => log.evaluate((element) => element.scrollHeight)).toBeGreaterThan(20_000)
		await expect
			.poll(() => log.evaluate((element) => element.scrollHeight - element.scrollTop - element.clientHeight))
			.toBeLessThan(25)
		await page.getByRole('button', { name: 'Pause' }).click()
		const skipped = log.getByRole('button', { name: /lines skipped, show them/ })
		// Only rows in sight are in the document: by less than what is drawn, and counted when it is drawn.
		await expect
			.poll(
				async () => {
					await log.evaluate(
						(element) =>
							new Promise<void>((drawn) => {
								element.scrollBy(0, -700)
								requestAnimationFrame(() => requestAnimationFrame(() => drawn()))
							}),
					)
					return skipped.count()
				},
				{ timeout: 30_000, interval: 20 },
			)
			.toBe(1)
		const height = await log.evaluate((element) => element.scrollHeight)
		await skipped.click()
		await expect.poll(() => log.evaluate((element) => element.scrollHeight)).toBeGreaterThan(height + 10_000)
		// Thousands of lines are there, and only those in sight are in the document.
		expect(await log.locator('> div > div').count()).toBeLessThan(200)
	})
})
