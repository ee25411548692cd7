import { describe, expect, it } from 'vitest'
import { CAMERAS, logIn, ORDERS, row, stubbedPages } from '../fixtures/stubbed-pages.ts'

const pages = stubbedPages()

describe('doing things on the pages', () => {
	it('the first account owns the lattice, and one click deploys a sample', async () => {
		const page = await pages.open()
		await page.goto(pages.fresh.url)
		await page.getByText('you will own this lattice').waitFor()
		await page.getByLabel('Email').fill('ada@example.test')
		await page.getByLabel('Password').fill('short')
		await page.getByRole('button', { name: 'Create account' }).click()
		await page.getByText('use at least 10 characters').waitFor()
		expect(await page.getByLabel('Email').inputValue()).toBe('ada@example.test')
		await page.getByLabel('Password').fill('long enough now')
		await page.getByRole('button', { name: 'Create account' }).click()
		await page.getByRole('button', { name: 'Deploy a sample PostgreSQL' }).click()
		await page.waitForURL('**/workloads/*')
		await page.locator('article[data-status=running]').waitFor()
	})

	it('a draft asks for candidates as it changes, outlives a reload, and shows its command', async () => {
		const page = await pages.open()
		await logIn(page, pages.full)
		await page.goto(`${pages.full.url}/deploy/postgres`)
		await page.getByText('Now it would run on atlas.').waitFor()
		await page.getByLabel('Name', { exact: true }).fill('ledger')
		await page.getByText('Advanced').click()
		await page.getByLabel('Memory').fill('999999')
		await page.getByText('No node fits.').waitFor()
		await page.getByText('./lattice deploy ledger --type postgres --memory 999999').waitFor()
		await page.reload()
		await expect.poll(() => page.getByLabel('Name', { exact: true }).inputValue()).toBe('ledger')
		await page.getByText('No node fits.').waitFor()
		await page.getByText('Advanced').click()
		await page.getByLabel('Memory').fill('256')
		await page.getByText('Now it would run on').waitFor()
		await page.getByRole('button', { name: 'Deploy PostgreSQL' }).click()
		await page.waitForURL('**/workloads/*')
		await page.locator('article[data-status=running]').waitFor()
		await page.goto(`${pages.full.url}/deploy/postgres`)
		expect(await page.getByLabel('Name', { exact: true }).inputValue()).toBe('')
	})

	it('start, stop and delete; delete wants the name and names the volumes', async () => {
		const page = await pages.open()
		await logIn(page, pages.full)
		await row(page, 'staging-db').getByRole('link').click()
		await page.getByRole('button', { name: 'Start', exact: true }).click()
		await page.locator('article[data-status=running]').waitFor()
		await page.getByRole('button', { name: 'Stop' }).click()
		await page.locator('article[data-status=stopped]').waitFor()
		await page.getByRole('link', { name: 'Delete' }).click()
		const dialog = page.getByRole('dialog')
		await dialog.getByText('/var/lib/postgresql/data').waitFor()
		await dialog.getByText('This cannot be undone.').waitFor()
		await dialog.getByLabel('Type staging-db to confirm').fill('staging')
		await dialog.getByRole('button', { name: 'Delete staging-db' }).click()
		await dialog.getByText('Type staging-db to delete it.').waitFor()
		await page.keyboard.press('Escape')
		await dialog.waitFor({ state: 'detached' })
		await page.getByRole('link', { name: 'Delete' }).click()
		await dialog.getByLabel('Type staging-db to confirm').fill('staging-db')
		await dialog.getByRole('button', { name: 'Delete staging-db' }).click()
		await page.waitForURL(`${pages.full.url}/`)
		await row(page, 'staging-db').waitFor({ state: 'detached' })
		await page
			.getByText('staging-db and the data in its volumes are deleted. This cannot be undone.', { exact: true })
			.waitFor()
	})

	it('an unreachable host is said, and offers to delete when it is back', async () => {
		const page = await pages.open()
		await logIn(page, pages.full)
		await page.goto(`${pages.full.url}${CAMERAS}/delete`)
		await page.getByLabel('Type cameras to confirm').fill('cameras')
		await page.getByRole('button', { name: 'Delete cameras' }).click()
		await page.getByText('HOST_UNREACHABLE').waitFor()
		await page.getByLabel('delete when it is back').waitFor()
	})

	it('the theme is a choice that stays', async () => {
		const page = await pages.open({ colorScheme: 'light' })
		await logIn(page, pages.full)
		const background = () => page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor)
		expect(await background()).toBe('rgb(246, 245, 241)')
		await page.getByRole('button', { name: 'Dark theme' }).filter({ visible: true }).click()
		await expect.poll(background).toBe('rgb(16, 20, 22)')
		await page.reload()
		expect(await background()).toBe('rgb(16, 20, 22)')
	})

	it('an ended session leads to the login page', async () => {
		const page = await pages.open()
		await logIn(page, pages.full)
		await page.context().clearCookies({ name: 'lattice_session' })
		await page.getByRole('link', { name: 'Nodes', exact: true }).filter({ visible: true }).click()
		await page.getByRole('button', { name: 'Log in' }).waitFor()
	})

	it('who is elsewhere is told how an order ended, with the way there and the way back', async () => {
		const [page, other] = [await pages.open(), await pages.open()]
		await logIn(page, pages.full)
		await page.goto(`${pages.full.url}/nodes`)
		await page.getByText('Live', { exact: true }).filter({ visible: true }).waitFor()
		await logIn(other, pages.full)
		await other.goto(`${pages.full.url}${ORDERS}`)
		await other.getByRole('button', { name: 'Stop' }).click()
		const told = page.getByRole('status').getByRole('link', { name: /is stopped$/ })
		await told.waitFor()
		await page.getByRole('button', { name: 'Start again' }).click()
		await page.waitForURL(`**${ORDERS}`)
		await told.waitFor({ state: 'detached' })
		await page.locator('[data-status=running]').first().waitFor()
		// it sees for itself, so it is not told
		expect(
			await page
				.getByRole('status')
				.getByRole('link', { name: /is running$/ })
				.count(),
		).toBe(0)
	})
})
