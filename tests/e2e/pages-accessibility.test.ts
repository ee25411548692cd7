import AxeBuilder from '@axe-core/playwright'
import type { Page } from 'playwright'
import { describe, expect, it } from 'vitest'
import { ATLAS, CAMERAS, FAILED, logIn, ORDERS, PULLING, stubbedPages } from '../fixtures/stubbed-pages.ts'

const pages = stubbedPages()

describe('accessibility', () => {
	const paths = [
		'/',
		'/?status=failed',
		'/deploy',
		'/deploy/postgres',
		'/deploy/custom',
		ORDERS,
		FAILED,
		PULLING,
		CAMERAS,
		`${ORDERS}/delete`,
		'/nodes',
		'/nodes/join',
		ATLAS,
		`${ATLAS}/remove`,
		'/nowhere',
	]
	for (const colorScheme of ['light', 'dark'] as const) {
		for (const width of [1280, 390]) {
			it(`axe finds nothing, ${colorScheme}, ${width} wide`, async () => {
				const page = await pages.open({ colorScheme, viewport: { width, height: 844 } })
				await page.goto(`${pages.full.url}/login`)
				const found = [await violations(page)]
				await page.goto(`${pages.fresh.url}/register`)
				found.push(await violations(page))
				await logIn(page, pages.full)
				for (const path of paths) {
					await page.goto(pages.full.url + path)
					await page.getByRole('status').filter({ hasText: 'Live' }).filter({ visible: true }).waitFor()
					found.push(await violations(page))
					const overflow = await page.evaluate(
						() => document.documentElement.scrollWidth - document.documentElement.clientWidth,
					)
					expect(overflow, `${path} scrolls sideways`).toBeLessThanOrEqual(0)
				}
				expect(found.flat()).toEqual([])
			})
		}
	}

	it('gives fingers 44 px on a phone', async () => {
		const page = await pages.open({ viewport: { width: 390, height: 844 } })
		await logIn(page, pages.full)
		for (const path of ['/', '/deploy/postgres', ORDERS, '/nodes/join']) {
			await page.goto(pages.full.url + path)
			const small = await page
				.locator('button:visible, select:visible, input:visible:not([type=checkbox]):not([type=radio])')
				.evaluateAll((elements) =>
					elements
						.filter((element) => element.getBoundingClientRect().height < 44)
						.map((element) => element.outerHTML.slice(0, 120)),
				)
			expect(small, path).toEqual([])
		}
	})
})

async function violations(page: Page): Promise<string[]> {
	const { violations } = await new AxeBuilder({ page }).analyze()
	return violations.map(
		({ id, nodes }) =>
			`${page.url()} ${id}: ${nodes
				.map(({ html }) => html)
				.join(' ')
				.slice(0, 300)}`,
	)
}
