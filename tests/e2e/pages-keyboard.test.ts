import { describe, expect, it } from 'vitest'
import { findingsOf } from '../fixtures/axe.ts'
import { logIn, stubbedPages } from '../fixtures/stubbed-pages.ts'

const pages = stubbedPages()

describe('the list of keys', () => {
	it('opens by its key, not while one types, and gives the focus back', async () => {
		const page = await pages.open()
		await logIn(page, pages.full)
		await page.getByText('Live', { exact: true }).filter({ visible: true }).waitFor()
		const help = page.getByRole('dialog', { name: 'Keyboard' })
		await page.getByLabel('Search workloads').focus()
		await page.keyboard.press('?')
		await page.waitForURL('**/?q=*')
		expect(await help.count()).toBe(0)
		await page.getByLabel('Search workloads').fill('')
		await page.waitForURL(/\/(\?q=)?$/)

		await page.getByRole('link', { name: 'Nodes', exact: true }).first().focus()
		await page.keyboard.press('?')
		await help.getByText('Go to a page, workload or node').waitFor()
		await page.keyboard.press('?')
		await page.keyboard.press('Escape')
		await help.waitFor({ state: 'hidden' })
		const focused = () => page.evaluate(() => document.activeElement?.textContent)
		expect(await focused()).toBe('Nodes')

		await page.keyboard.press('Control+k')
		await page.keyboard.type('keyboard')
		await page.keyboard.press('Enter')
		await help.waitFor()
		expect(await page.getByRole('dialog', { name: 'Go to' }).count()).toBe(0)
		await help.getByRole('button', { name: 'Close' }).click()
		await help.waitFor({ state: 'hidden' })
		expect(await focused()).toBe('Nodes')
		// and a second time, by both ways
		await page.keyboard.press('?')
		await help.waitFor()
	})

	it.each([1280, 375])('has no finding of axe in either theme, %i wide', async (width) => {
		const page = await pages.open({ viewport: { width, height: 812 } })
		await logIn(page, pages.empty)
		await page.getByText('Live', { exact: true }).filter({ visible: true }).waitFor()
		await page.keyboard.press('?')
		await page.getByRole('dialog', { name: 'Keyboard' }).waitFor()
		if (process.env.PICTURES) await page.screenshot({ path: `${process.env.PICTURES}/keys-${width}.png` })
		expect(await findingsOf(page)).toEqual([])
	})
})
