import { beforeAll, describe, expect, it } from 'vitest'
import { findingsOf } from '../fixtures/axe.ts'
import { startConsoleStub } from '../fixtures/console-stub-server.ts'
import { logIn, type Stub, stubbedPages } from '../fixtures/stubbed-pages.ts'

describe('two hundred machines', () => {
	const pages = stubbedPages()
	let stub: Stub
	beforeAll(async () => {
		stub = await startConsoleStub({ scenario: 'full', more: 200 })
		return () => stub.stop()
	})

	it('are searched and paged by plain forms and links with scripts off', async () => {
		const page = await pages.open({ javaScriptEnabled: false })
		await logIn(page, stub)
		await page.goto(`${stub.url}/nodes`)
		const rows = page.locator('li[data-node]')
		await page.getByText('of 203 machines alive').waitFor()
		expect(await rows.count()).toBe(25)
		await page.getByRole('link', { name: 'Next' }).click()
		await page.waitForURL('**/nodes?page=2')
		await page.getByText('Page 2 of 9').waitFor()
		await page.getByLabel('Search machines').fill('shelf=3')
		await page.getByRole('button', { name: 'Search' }).click()
		await page.waitForURL('**/nodes?q=shelf%3D3')
		// shelf 3, and 30 to 39
		await page.getByText('44 machines found').waitFor()
		await page.getByRole('link', { name: 'Next' }).click()
		await page.waitForURL('**/nodes?q=shelf%3D3&page=2')
		expect(await rows.count()).toBe(19)
		await page.getByLabel('Search machines').fill('10.20.0.41:')
		await page.getByLabel('Search machines').press('Enter')
		await page.getByText('1 machine found').waitFor()
		await rows.filter({ hasText: 'rack-042' }).getByText('10.20.0.41:4100').waitFor()
		await page.getByLabel('Search machines').fill('no such thing')
		await page.getByLabel('Search machines').press('Enter')
		await page.getByText('No machine matches “no such thing”.').waitFor()
		await page.getByRole('link', { name: 'Show all' }).click()
		await page.waitForURL(`${stub.url}/nodes`)
		expect(await rows.count()).toBe(25)
	})

	it('are searched as one types, and a link clears the field too', async () => {
		const page = await pages.open()
		await logIn(page, stub)
		await page.goto(`${stub.url}/nodes?page=3`)
		await page.getByLabel('Search machines').pressSequentially('nowhere at all')
		await page.getByText('No machine matches “nowhere at all”.').waitFor()
		await page.getByRole('link', { name: 'Show all' }).click()
		await page.getByText('Page 1 of 9').waitFor()
		await expect.poll(() => page.getByLabel('Search machines').inputValue()).toBe('')
	})

	it('of a search, the rows shown change as they are told, and a dialog keeps the search', async () => {
		const page = await pages.open()
		await logIn(page, stub)
		await page.goto(`${stub.url}/nodes?q=rack-07`)
		const row = page.locator('li[data-node]').filter({ hasText: 'rack-077' })
		await page.getByText('10 machines found').waitFor()
		await page.getByRole('link', { name: 'Join a machine' }).click()
		await page.waitForURL('**/nodes/join?q=rack-07')
		await page.locator('dialog:modal').waitFor()
		await page.keyboard.press('Escape')
		await page.waitForURL('**/nodes?q=rack-07')
		expect(await row.getAttribute('data-status')).toBe('alive')

		const other = await pages.open()
		await logIn(other, stub)
		await other.goto(`${stub.url}/nodes/${await row.getAttribute('data-node')}/remove`)
		await other.getByLabel('Type rack-077 to confirm').fill('rack-077')
		await other.getByRole('button', { name: 'Remove rack-077' }).click()
		await page.locator('li[data-node][data-status=left]').filter({ hasText: 'rack-077' }).waitFor()
		expect(await page.locator('li[data-node]').count()).toBe(10)
	})

	it('a newcomer that the search would find comes by itself', async () => {
		const page = await pages.open()
		await logIn(page, stub)
		await page.goto(`${stub.url}/nodes?q=lark`)
		await page.getByText('No machine matches').waitFor()
		await page.getByText('Live', { exact: true }).filter({ visible: true }).waitFor()
		const other = await pages.open()
		await logIn(other, stub)
		await other.goto(`${stub.url}/nodes/join`)
		await other.getByLabel('Labels').fill('floor=2')
		await other.getByRole('button', { name: 'Create the line' }).click()
		await page.locator('li[data-node]').filter({ hasText: 'lark' }).waitFor()
	})

	it.each([1280, 375])('fit and have no finding of axe, %i wide', async (width) => {
		const page = await pages.open({ viewport: { width, height: 812 } })
		await logIn(page, stub)
		const found: string[] = []
		for (const query of ['', '?page=2', '?q=10.20.0.1', '?q=nothing']) {
			await page.goto(`${stub.url}/nodes${query}`)
			await page.getByText('Live', { exact: true }).filter({ visible: true }).waitFor()
			const wide = await page.evaluate(
				() => document.documentElement.scrollWidth - document.documentElement.clientWidth,
			)
			expect(wide, query).toBeLessThanOrEqual(0)
			found.push(...(await findingsOf(page)))
			if (process.env.PICTURES) {
				await page.screenshot({ path: `${process.env.PICTURES}/nodes-${width}${query.replace(/\W/g, '-')}.png` })
			}
		}
		expect(found).toEqual([])
	})
})
