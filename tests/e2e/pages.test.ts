import AxeBuilder from '@axe-core/playwright'
import type { Browser, BrowserContextOptions, Page } from 'playwright'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { launchChromium } from '../fixtures/chromium.ts'
import { startConsoleStub } from '../fixtures/console-stub-server.ts'

/**
 * The pages by themselves, over services in memory: what they show, say and allow. Journeys through the real console
 * are in the other files of this folder. Needs `npm run build`.
 */
type Stub = Awaited<ReturnType<typeof startConsoleStub>>

const ORDERS = '/workloads/w_orders00000000000000'
const FAILED = '/workloads/w_failed00000000000000'
const PULLING = '/workloads/w_pulling0000000000000'
const CAMERAS = '/workloads/w_cams0000000000000000'
const MEDIA = '/workloads/w_media000000000000000'
const ATLAS = '/nodes/12D3KooWAtLasQ7dRzxVnm4rYb2gLkPq8sTfHcWuEoJ5iNtXyZaB'

let browser: Browser
let full: Stub
let empty: Stub
let fresh: Stub
const complaints: string[] = []
const cleanups: (() => Promise<void>)[] = []

beforeAll(async () => {
	browser = await launchChromium()
	;[full, empty, fresh] = await Promise.all([
		startConsoleStub({ scenario: 'full' }),
		startConsoleStub({ scenario: 'empty' }),
		startConsoleStub({ scenario: 'fresh' }),
	])
})

afterAll(async () => {
	await browser?.close()
	await Promise.all([full, empty, fresh].map((stub) => stub?.stop()))
})

afterEach(async () => {
	await Promise.all(cleanups.splice(0).map((cleanup) => cleanup()))
	expect(complaints.splice(0)).toEqual([])
})

async function open(options: BrowserContextOptions = {}): Promise<Page> {
	const context = await browser.newContext(options)
	cleanups.push(() => context.close())
	const page = await context.newPage()
	page.on('console', (message) => {
		// A refused POST is an answer that a test asked for; the browser notes it all the same.
		if (message.type() === 'error' && !message.text().startsWith('Failed to load resource'))
			complaints.push(message.text())
	})
	page.on('pageerror', (error) => complaints.push(error.message))
	return page
}

async function logIn(page: Page, stub: Stub): Promise<void> {
	await page.goto(`${stub.url}/login`)
	await page.getByLabel('Email').fill('ada@example.test')
	await page.getByLabel('Password').fill('correct horse battery')
	await page.getByRole('button', { name: 'Log in' }).click()
	await page.waitForURL(`${stub.url}/`)
}

const row = (page: Page, name: string) =>
	page.locator('li[data-workload]').filter({ has: page.getByRole('link', { name, exact: true }) })

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
		'/nowhere',
	]
	for (const colorScheme of ['light', 'dark'] as const) {
		for (const width of [1280, 390]) {
			it(`axe finds nothing, ${colorScheme}, ${width} wide`, async () => {
				const page = await open({ colorScheme, viewport: { width, height: 844 } })
				await page.goto(`${full.url}/login`)
				const found = [await violations(page)]
				await page.goto(`${fresh.url}/register`)
				found.push(await violations(page))
				await logIn(page, full)
				for (const path of paths) {
					await page.goto(full.url + path)
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
		const page = await open({ viewport: { width: 390, height: 844 } })
		await logIn(page, full)
		for (const path of ['/', '/deploy/postgres', ORDERS, '/nodes/join']) {
			await page.goto(full.url + path)
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

describe('with scripts', () => {
	it('the first account owns the lattice, and one click deploys a sample', async () => {
		const page = await open()
		await page.goto(fresh.url)
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

	it('rows change in place as events come, and the URL keeps the filter', async () => {
		const page = await open()
		await logIn(page, full)
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
		cleanups.push(() => stub.stop())
		const page = await open()
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
		complaints.length = 0
	})

	it('a draft asks for candidates as it changes, outlives a reload, and shows its command', async () => {
		const page = await open()
		await logIn(page, full)
		await page.goto(`${full.url}/deploy/postgres`)
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
		await page.goto(`${full.url}/deploy/postgres`)
		expect(await page.getByLabel('Name', { exact: true }).inputValue()).toBe('')
	})

	it('credentials are not in the page until asked for', async () => {
		const page = await open()
		await logIn(page, full)
		await page.goto(full.url + ORDERS)
		expect(await page.content()).not.toContain('p7Qm2xVt9LrKc4NwYb8sGd3HfJ6zTe5A')
		await page.getByRole('button', { name: 'Show' }).click()
		await page.getByText("psql 'postgresql://orders:p7Qm2x").waitFor()
		await page.getByText('Node.js', { exact: true }).click()
		await page.getByText("new pg.Pool({ connectionString: 'postgresql://orders").waitFor()
		await page.getByRole('button', { name: 'Hide' }).click()
		await page.getByText("psql '{connectionString}'").waitFor({ state: 'attached' })
	})

	it('a failed step is open with its last lines', async () => {
		const page = await open()
		await logIn(page, full)
		await page.goto(full.url + FAILED)
		const timeline = page.getByRole('region', { name: 'Timeline' })
		await timeline.getByText('CONTAINER_EXITED').waitFor()
		await timeline.getByText('getaddrinfo ENOTFOUND db.internal').waitFor()
	})

	it('logs follow; leaving the bottom pauses, coming back goes on; a flood is sampled and can be opened', async () => {
		const page = await open()
		await logIn(page, full)
		await page.goto(full.url + MEDIA)
		const log = page.getByRole('log')
		await log.getByText('checkpoint').first().waitFor()
		await log.hover()
		await page.mouse.wheel(0, -4_000)
		await page.getByRole('button', { name: /new lines? below|Back to the newest/ }).waitFor()
		const top = await log.evaluate((element) => element.scrollTop)
		await page.getByRole('button', { name: /new lines below/ }).waitFor()
		expect(await log.evaluate((element) => element.scrollTop)).toBe(top)
		await page.getByRole('button', { name: /new lines below/ }).click()
		await expect
			.poll(() => log.evaluate((element) => element.scrollHeight - element.scrollTop - element.clientHeight))
			.toBeLessThan(25)
		await page.getByRole('button', { name: 'Pause' }).click()
		const skipped = log.getByRole('button', { name: /lines skipped, show them/ })
		await expect
			.poll(
				async () => {
					await log.evaluate((element) => element.scrollBy(0, -1_000))
					return skipped.count()
				},
				{ timeout: 20_000, interval: 60 },
			)
			.toBe(1)
		const height = await log.evaluate((element) => element.scrollHeight)
		await skipped.click()
		await expect.poll(() => log.evaluate((element) => element.scrollHeight)).toBeGreaterThan(height + 10_000)
		// Thousands of lines are there, and only those in sight are in the document.
		expect(await log.locator('> div > div').count()).toBeLessThan(200)
	})

	it('start, stop and delete; delete wants the name and names the volumes', async () => {
		const page = await open()
		await logIn(page, full)
		await row(page, 'staging-db').getByRole('link').click()
		await page.getByRole('button', { name: 'Start', exact: true }).click()
		await page.locator('article[data-status=running]').waitFor()
		await page.getByRole('button', { name: 'Stop' }).click()
		await page.locator('article[data-status=stopped]').waitFor()
		await page.getByRole('link', { name: 'Delete' }).click()
		const dialog = page.getByRole('dialog')
		await dialog.getByText('/var/lib/postgresql/data').waitFor()
		await dialog.getByLabel('Type staging-db to confirm').fill('staging')
		await dialog.getByRole('button', { name: 'Delete staging-db' }).click()
		await dialog.getByText('Type staging-db to delete it.').waitFor()
		await page.keyboard.press('Escape')
		await dialog.waitFor({ state: 'detached' })
		await page.getByRole('link', { name: 'Delete' }).click()
		await dialog.getByLabel('Type staging-db to confirm').fill('staging-db')
		await dialog.getByRole('button', { name: 'Delete staging-db' }).click()
		await page.waitForURL(`${full.url}/`)
		await row(page, 'staging-db').waitFor({ state: 'detached' })
	})

	it('an unreachable host is said, and offers to delete when it is back', async () => {
		const page = await open()
		await logIn(page, full)
		await page.goto(`${full.url}${CAMERAS}/delete`)
		await page.getByLabel('Type cameras to confirm').fill('cameras')
		await page.getByRole('button', { name: 'Delete cameras' }).click()
		await page.getByText('HOST_UNREACHABLE').waitFor()
		await page.getByLabel('delete when it is back').waitFor()
	})

	it('joins a machine by one line', async () => {
		const page = await open()
		await logIn(page, full)
		await page.goto(`${full.url}/nodes`)
		await page.getByRole('link', { name: 'Join a machine' }).click()
		await page.getByRole('button', { name: 'Create the line' }).click()
		await page.getByText(/^\.\/lattice join \S{40,}$/).waitFor()
		await page.getByText(/Expires in 59 min/).waitFor()
	})

	it('the theme is a choice that stays', async () => {
		const page = await open({ colorScheme: 'light' })
		await logIn(page, full)
		const background = () => page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor)
		expect(await background()).toBe('rgb(246, 245, 241)')
		await page.getByRole('button', { name: 'Dark theme' }).filter({ visible: true }).click()
		await expect.poll(background).toBe('rgb(16, 20, 22)')
		await page.reload()
		expect(await background()).toBe('rgb(16, 20, 22)')
	})

	it('an ended session leads to the login page', async () => {
		const page = await open()
		await logIn(page, full)
		await page.context().clearCookies({ name: 'lattice_session' })
		await page.getByRole('link', { name: 'Nodes', exact: true }).filter({ visible: true }).click()
		await page.getByRole('button', { name: 'Log in' }).waitFor()
	})
})

describe('with scripts off', () => {
	it('sign-in, deploy, stop and delete are plain forms', async () => {
		const page = await open({ javaScriptEnabled: false })
		await page.goto(`${empty.url}/deploy/postgres`)
		await page.getByLabel('Email').fill('ada@example.test')
		await page.getByLabel('Password').fill('wrong')
		await page.getByRole('button', { name: 'Log in' }).click()
		await page.getByText('BAD_CREDENTIALS').waitFor()
		expect(await page.getByLabel('Email').inputValue()).toBe('ada@example.test')
		await page.getByLabel('Password').fill('correct horse battery')
		await page.getByRole('button', { name: 'Log in' }).click()
		await page.waitForURL('**/deploy/postgres')

		await page.getByLabel('Name', { exact: true }).fill('Not A Name')
		await page.getByRole('button', { name: 'Deploy PostgreSQL' }).click()
		await page.getByText('use 1 to 40 lower-case letters').waitFor()
		expect(await page.getByLabel('Name', { exact: true }).inputValue()).toBe('Not A Name')
		await page.getByRole('button', { name: 'Check nodes' }).click()
		await page.getByText('Now it would run on atlas.').waitFor()
		await page.getByLabel('Name', { exact: true }).fill('plain')
		await page.getByRole('button', { name: 'Deploy PostgreSQL' }).click()
		await page.waitForURL('**/workloads/*')

		await expect
			.poll(
				async () => {
					await page.reload()
					return page.locator('article').getAttribute('data-status')
				},
				{ timeout: 15_000 },
			)
			.toBe('running')
		const workload = page.url()
		await page.getByRole('button', { name: 'Show' }).click()
		await page.getByText("psql 'postgresql://").waitFor()
		await page.getByRole('link', { name: 'Plain text' }).click()
		await page.getByText('checkpoint starting').first().waitFor()
		await page.goto(workload)
		await page.getByRole('button', { name: 'Stop' }).click()
		await page.getByRole('link', { name: 'Delete' }).click()
		await page.getByLabel('Type plain to confirm').fill('plain')
		await page.getByRole('button', { name: 'Delete plain' }).click()
		await page.waitForURL(`${empty.url}/`)
		await page.getByRole('button', { name: 'Log out' }).first().click()
		await page.getByRole('button', { name: 'Log in' }).waitFor()
	})
})

describe('weight and doors', () => {
	it('first load is at most 130 kB of script, gzipped', async () => {
		const page = await open()
		await logIn(page, full)
		for (const path of ['/', ORDERS, '/deploy/postgres']) {
			await page.goto(full.url + path)
			await page.waitForLoadState('networkidle', { timeout: 3_000 }).catch(() => undefined)
			const scripts = await page.evaluate(() =>
				performance
					.getEntriesByType('resource')
					.map(({ name }) => name)
					.filter((name) => name.endsWith('.js')),
			)
			const bytes = await Promise.all(
				[...new Set(scripts)].map(async (path) => gzipped(await (await fetch(new URL(path, full.url))).bytes())),
			)
			const total = bytes.reduce((sum, size) => sum + size, 0)
			console.info(`first load of ${path}: ${(total / 1024).toFixed(1)} KiB of script, gzipped`)
			expect(total).toBeGreaterThan(10_000)
			expect(total).toBeLessThan(130_000)
		}
	})

	it('refuses a form from another site', async () => {
		for (const path of ['/login', '/logout', '/theme', '/?index']) {
			const answer = await fetch(full.url + path, {
				method: 'POST',
				redirect: 'manual',
				headers: { Origin: 'https://elsewhere.example' },
				body: new URLSearchParams({ email: 'a', password: 'b' }),
			})
			expect(answer.status, path).toBeGreaterThanOrEqual(400)
			expect(answer.headers.get('Set-Cookie')).toBeNull()
		}
	})

	it('does not send anyone to another site after login', async () => {
		for (const to of ['//elsewhere.example', '/\\elsewhere.example', 'https://elsewhere.example']) {
			const answer = await fetch(`${full.url}/login?to=${encodeURIComponent(to)}`, {
				method: 'POST',
				redirect: 'manual',
				body: new URLSearchParams({ email: 'a', password: 'correct horse battery' }),
			})
			expect(answer.headers.get('Location')).toBe('/')
			expect(answer.headers.get('Set-Cookie')).toMatch(/HttpOnly; SameSite=Lax/)
		}
	})
})

async function gzipped(bytes: Uint8Array<ArrayBuffer>): Promise<number> {
	const stream = new Blob([bytes]).stream().pipeThrough(new CompressionStream('gzip'))
	return (await new Response(stream).arrayBuffer()).byteLength
}
