import { describe, expect, it } from 'vitest'
import { logIn, ORDERS, stubbedPages } from '../fixtures/stubbed-pages.ts'

const pages = stubbedPages()

describe('terminal, palette and settings', () => {
	it('a terminal opens, hears what is typed, and shows what it answers', async () => {
		const page = await pages.open()
		await logIn(page, pages.full)
		await page.goto(`${pages.full.url}${ORDERS}`)
		await page.getByRole('link', { name: 'Terminal' }).click()
		await page.locator('.xterm-rows').getByText('/ #').waitFor()
		await page.keyboard.type('hello there')
		await page.locator('.xterm-rows').getByText('/ # hello there').waitFor()
	})

	it('Ctrl+K goes anywhere by a few letters', async () => {
		const page = await pages.open()
		await logIn(page, pages.full)
		await page.getByText('Live', { exact: true }).filter({ visible: true }).waitFor()
		await page.keyboard.press('Control+k')
		await page.getByRole('combobox', { name: 'Page, workload or node' }).fill('cam')
		await page
			.getByRole('option', { name: /cameras/ })
			.first()
			.waitFor()
		await page.keyboard.press('Enter')
		await page.waitForURL('**/workloads/w_cams0000000000000000')
		await page.keyboard.press('Control+k')
		await page.keyboard.press('Escape')
		await page.getByRole('combobox', { name: 'Page, workload or node' }).waitFor({ state: 'detached' })
	})

	it('a device is ended, thresholds are saved, keys are rotated', async () => {
		const page = await pages.open()
		await logIn(page, pages.full)
		await page.goto(`${pages.full.url}/settings`)
		await page.getByRole('button', { name: 'End: Device of the CLI' }).click()
		await page.getByText('That login has ended.').waitFor()
		await page.getByRole('button', { name: 'End: Device of the CLI' }).waitFor({ state: 'detached' })
		await page.getByLabel('Memory').fill('80')
		await page.getByRole('region', { name: 'Thresholds' }).getByRole('button', { name: 'Save' }).click()
		await page.getByText('Saved. They hold from now on.').waitFor()
		await page.getByRole('button', { name: 'Rotate keys' }).click()
		await page.getByText('Nobody is logged out.').waitFor()
	})

	it('times follow the zone that was chosen, and what is no zone is named', async () => {
		const page = await pages.open()
		await logIn(page, pages.full)
		await page.goto(`${pages.full.url}/settings`)
		const times = page.getByRole('region', { name: 'Times' })
		const save = async (zone: string) => {
			await times.getByLabel('Time zone').fill(zone)
			await times.getByRole('button', { name: 'Save' }).click()
		}
		await save('Mars/Olympus')
		await times
			.getByText(/is no time zone/)
			.first()
			.waitFor()
		await save('Asia/Kolkata')
		await times.getByText('Times are written in Asia/Kolkata.').waitFor()
		await page.goto(`${pages.full.url}${ORDERS}`)
		const time = page.locator('#logs span[title^="20"]').first()
		await time.waitFor()
		const at = Date.parse((await time.getAttribute('title')) ?? '')
		expect(await time.textContent()).toBe(new Date(at + 5.5 * 3_600_000).toISOString().slice(11, 23))
	})
})
