import type { Page } from 'playwright'
import { describe, expect, it } from 'vitest'
import { ATLAS, logIn, stubbedPages } from '../fixtures/stubbed-pages.ts'

describe('machines in the console', () => {
	const pages = stubbedPages()

	async function createLine(page: Page, labels = ''): Promise<void> {
		await page.goto(`${pages.full.url}/nodes`)
		await page.getByRole('link', { name: 'Join a machine' }).click()
		if (labels) await page.getByLabel('Labels').fill(labels)
		await page.getByRole('button', { name: 'Create the line' }).click()
		await page.getByText(/^\.\/lattice join \S{40,}$/).waitFor()
	}

	it('the picture shows what reaches what, and the way of each command that is under way', async () => {
		const page = await pages.open()
		await logIn(page, pages.full)
		const picture = page.getByRole('group', { name: /^The lattice: \d+ nodes$/ })
		await picture.getByRole('link', { name: /^atlas, alive, .*workloads?: .*healthy/ }).waitFor()
		await picture.getByText('console', { exact: true }).waitFor()
		expect(await picture.locator('path[stroke-dasharray="3 4"]').getAttribute('d')).toMatch(/^M\d/)
		// search-indexer is being pulled for as long as anybody looks
		await picture.locator('[data-command]').first().waitFor({ state: 'attached' })
	})

	it('a machine that joins is followed from its first word until it is ready', async () => {
		const page = await pages.open()
		await logIn(page, pages.full)
		await createLine(page, 'floor=2')
		await page.getByText(/Expires in 59 min/).waitFor()
		const done = () => page.locator('[data-step][data-done=true]').evaluateAll((all) => all.length)
		const steps = new Set<number>()
		await expect
			.poll(
				async () => {
					steps.add(await done())
					return [...steps].at(-1)
				},
				{ interval: 50, timeout: 10_000 },
			)
			.toBe(4)
		expect([...steps].length).toBeGreaterThan(2)
		await page.getByText('lark has joined').waitFor()
	})

	it('a line that nobody uses counts down, and says after a minute what may be wrong', async () => {
		const page = await pages.open()
		await logIn(page, pages.full)
		await page.clock.install()
		await createLine(page)
		await page.getByText('Listening for it…').waitFor()
		expect(await page.getByText('The likely causes').count()).toBe(0)
		await page.clock.runFor(62_000)
		await page.getByText('The likely causes').waitFor()
		await page.getByText(/Expires in 58 min/).waitFor()
		await page.clock.runFor(59 * 60_000)
		await page.getByText('This line has expired and joins nothing any more.').waitFor()
	})

	it('a machine shows what leaves with it, and goes when its name is typed', async () => {
		const page = await pages.open()
		await logIn(page, pages.full)
		await page.goto(`${pages.full.url}${ATLAS}`)
		const leaving = page.getByRole('region', { name: 'If this machine leaves' })
		await leaving.getByText('Its data (data) exists only here and is lost.').first().waitFor()
		await leaving.getByRole('link', { name: 'Remove atlas' }).click()
		const dialog = page.getByRole('dialog')
		await dialog.getByLabel('Type atlas to confirm').fill('heron')
		await dialog.getByRole('button', { name: 'Remove atlas' }).click()
		await dialog.getByText('Type atlas to remove it.').waitFor()
		await dialog.getByLabel('Type atlas to confirm').fill('atlas')
		await dialog.getByRole('button', { name: 'Remove atlas' }).click()
		await page.waitForURL(`${pages.full.url}/nodes`)
		await page.locator(`[data-node="${ATLAS.split('/').at(-1)}"][data-status=left]`).waitFor()
	})

	it('a member is told why they cannot remove one, and has no page for it', async () => {
		const page = await pages.open()
		await logIn(page, pages.empty, 'bob@example.test')
		await page.goto(`${pages.empty.url}${ATLAS}`)
		const button = page.getByRole('button', { name: 'Remove atlas' })
		expect(await button.isDisabled()).toBe(true)
		await page.getByText('Owners and admins remove machines.').waitFor()
	})
})
