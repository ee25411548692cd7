import { describe, expect, it } from 'vitest'
import routes, { type RouteEntry } from '../../app/routes.ts'
import { findingsOf } from '../fixtures/axe.ts'
import { ATLAS, CAMERAS, FAILED, logIn, ORDERS, PULLING, stubbedPages } from '../fixtures/stubbed-pages.ts'

const pages = stubbedPages()

/** What has a page: those without one end in `.ts`. */
function pagesOf(entries: readonly RouteEntry[], below = ''): string[] {
	return entries.flatMap(({ file, path, children = [] }) => {
		const whole = path === undefined ? below : `${below}/${path}`
		const own = file.endsWith('.tsx') && file !== 'routes/console.tsx' ? [whole || '/'] : []
		return [...own, ...pagesOf(children, whole)]
	})
}

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
		'/settings',
		`${ORDERS}/terminal`,
		`${ORDERS}?usage=day`,
		ATLAS,
		`${ATLAS}/remove`,
		'/nowhere',
	]
	it('is looked at on every page that there is', () => {
		const walked = ['/login', '/register', ...paths.map((path) => path.split('?')[0] ?? '')]
		const isWalked = (page: string) => {
			const pattern = new RegExp(`^${page.replaceAll(/:[^/]+/g, '[^/]+').replace('*', '[^/]+')}$`)
			return walked.some((path) => pattern.test(path))
		}
		expect(pagesOf(routes).filter((page) => !isWalked(page))).toEqual([])
	})

	it.each([1280, 390])('axe finds nothing in either theme, %i wide', async (width) => {
		const page = await pages.open({ viewport: { width, height: 844 } })
		await page.goto(`${pages.full.url}/login`)
		const found = await findingsOf(page)
		await page.goto(`${pages.fresh.url}/register`)
		found.push(...(await findingsOf(page)))
		await logIn(page, pages.full)
		for (const path of paths) {
			await page.goto(pages.full.url + path)
			await page.getByRole('status').filter({ hasText: 'Live' }).filter({ visible: true }).waitFor()
			found.push(...(await findingsOf(page)))
		}
		expect(found).toEqual([])
	})

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
