import type { Page } from 'playwright'
import { describe, expect, it } from 'vitest'
import { logIn, ORDERS, stubbedPages } from '../fixtures/stubbed-pages.ts'

const pages = stubbedPages()

/** Beyond this a page is not good (web.dev, Cumulative Layout Shift). */
const GOOD = 0.1
/** So slow is a line that the page is drawn before its scripts run, and before the stream speaks: what they move counts. */
const LATE_MS = 400

interface Shift {
	value: number
	moved: string[]
}

/** Everything that moved without somebody's doing since the page began. */
async function shiftsOf(page: Page): Promise<Shift[]> {
	return page.evaluate(
		() =>
			new Promise<Shift[]>((resolve) => {
				type Entry = PerformanceEntry & { value: number; hadRecentInput: boolean; sources: { node: Node | null }[] }
				new PerformanceObserver((list) => {
					const entries = (list.getEntries() as Entry[]).filter(({ hadRecentInput }) => !hadRecentInput)
					resolve(
						entries.map(({ value, sources }) => ({
							value,
							moved: sources.map(({ node }) => (node instanceof Element ? node.outerHTML.slice(0, 160) : 'text')),
						})),
					)
				}).observe({ type: 'layout-shift', buffered: true })
				// With none there is no answer.
				setTimeout(() => resolve([]), 1_000)
			}),
	)
}

describe.each([
	['a desktop', { width: 1280, height: 800 }],
	['a phone', { width: 375, height: 812 }],
] as const)('on %s nothing jumps while a page loads', (_, viewport) => {
	it.each([
		['/', 'li[data-workload]'],
		[ORDERS, '[role=log] :text("checkpoint")'],
		['/nodes', 'li[data-node]'],
	])('%s', async (path, last) => {
		const page = await pages.open({ viewport })
		await logIn(page, pages.full)
		const late = (pattern: string) =>
			page.route(pattern, async (route) => {
				await new Promise((resolve) => setTimeout(resolve, LATE_MS))
				await route.continue().catch(() => undefined)
			})
		await late('**/assets/*.js')
		await late('**/live')
		await late('**/usage*')
		await page.goto(pages.full.url + path)
		await page.getByText('Live', { exact: true }).filter({ visible: true }).waitFor()
		await page.locator(last).first().waitFor()
		// The pictures of what came last are drawn.
		await page.evaluate(() => new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn))))
		const shifts = await shiftsOf(page)
		const sum = shifts.reduce((all, { value }) => all + value, 0)
		if (process.env.SHIFTS) console.info(path, viewport.width, sum, JSON.stringify(shifts, null, 1))
		expect(sum, JSON.stringify(shifts, null, 1)).toBeLessThan(GOOD)
	})
})
