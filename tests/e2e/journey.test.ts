import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Browser, BrowserContext, BrowserContextOptions, Page } from 'playwright'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { findingsOf } from '../fixtures/axe.ts'
import { launchChromium } from '../fixtures/chromium.ts'
import { docker, remainsOf } from '../integration/engine-fixture.ts'
import { ACCOUNT } from '../integration/stack-clients.ts'
import { ROOT, type Stack, startStack } from '../integration/stack-fixture.ts'

/**
 * The main job as a person does it, in a browser, on the console of a real `up`: nothing is stubbed, and nothing but
 * the page tells that something has changed.
 */

const SCREENSHOTS = join(ROOT, 'test-results')
/** a page shows within this what the engine did; the machine may be busy */
const LIVE = { timeout: 60_000 }

let stack: Stack
let browser: Browser
let context: BrowserContext
let page: Page
const complaints: string[] = []

async function open(options: BrowserContextOptions = {}): Promise<Page> {
	const own = await browser.newContext({ ...options, baseURL: stack.consoleUrl })
	const opened = await own.newPage()
	opened.on('console', (message) => {
		// A refused POST is an answer that a test asked for; the browser notes it all the same.
		if (message.type() === 'error' && !message.text().startsWith('Failed to load resource')) {
			complaints.push(`${opened.url()}: ${message.text()}`)
		}
	})
	opened.on('pageerror', (error) => complaints.push(`${opened.url()}: ${error.message}`))
	return opened
}

beforeAll(async () => {
	await mkdir(SCREENSHOTS, { recursive: true })
	;[stack, browser] = await Promise.all([startStack(), launchChromium()])
	page = await open({ permissions: ['clipboard-read', 'clipboard-write'] })
	context = page.context()
})
afterAll(async () => {
	await browser?.close()
	await stack?.remove()
})
afterEach(() => expect(complaints.splice(0)).toEqual([]))

const article = (status: string) => page.locator(`article[data-status=${status}]`)
const button = (name: string) => page.getByRole('button', { name, exact: true })
/** that a server-sent event, not a page load, brought the change */
const mark = () => page.evaluate(() => void Object.assign(window, { untouched: true }))
const isMarked = () => page.evaluate(() => 'untouched' in window)

async function fillAccount(where: Page, password = ACCOUNT.password): Promise<void> {
	await where.getByLabel('Email').fill(ACCOUNT.email)
	await where.getByLabel('Password').fill(password)
}

describe('a person', () => {
	it('signs up as the first one, by the only page there is', async () => {
		await page.goto('/')
		await page.getByText('you will own this lattice').waitFor()
		expect(new URL(page.url()).pathname).toBe('/register')
		await fillAccount(page)
		await button('Create account').click()
		await button('Deploy a sample PostgreSQL').waitFor()
	})

	it('deploys the sample with one click and sees it become running', async () => {
		await button('Deploy a sample PostgreSQL').click()
		await page.waitForURL('**/workloads/*')
		await mark()
		await article('running').waitFor(LIVE)
		expect(await isMarked()).toBe(true)
		const steps = page.getByRole('region', { name: 'Timeline' }).getByRole('listitem')
		expect(await steps.count()).toBe(5)
		expect(await steps.filter({ hasText: ': done' }).count()).toBe(5)
		await page.getByRole('region', { name: 'Endpoints' }).getByText('tcp://').first().waitFor()
	})

	it('gets credentials when asked for, to copy and to paste', async () => {
		expect(await page.content()).not.toContain('postgresql://app:')
		await button('Show').click()
		const snippet = page.getByText("psql 'postgresql://app:")
		await snippet.waitFor()
		const credentials = page.getByRole('region', { name: 'Credentials' })
		await credentials.getByRole('button', { name: 'Copy connection string' }).click()
		await credentials.getByRole('button', { name: 'Copied' }).waitFor()
		const copied = await page.evaluate(() => navigator.clipboard.readText())
		expect(copied).toMatch(/^postgresql:\/\/app:.{32}@127\.0\.0\.1:\d+\/app$/)
		await button('Hide').click()
		await snippet.waitFor({ state: 'detached' })
	})

	it('deploys a container by its form, and it answers', async () => {
		await page.goto('/deploy/custom')
		await page.getByLabel('Name', { exact: true }).fill('chatty')
		await page.getByLabel('Image').fill('lattice-test/busybox:1')
		await page.getByText('Advanced').click()
		await page.getByRole('textbox', { name: 'Command' }).fill('chatter 0 0.2')
		await page.getByText('Now it would run on one.').waitFor()
		await page.getByRole('button', { name: /^Deploy / }).click()
		await page.waitForURL('**/workloads/*')
		await article('running').waitFor(LIVE)
	})

	it('reads its logs as it writes them, pauses and goes on', async () => {
		const log = page.getByRole('log')
		await log
			.getByText(/^out \d+$/)
			.first()
			.waitFor(LIVE)
		await button('Pause').click()
		await page.getByRole('button', { name: /new lines? below/ }).waitFor(LIVE)
		const last = await log.textContent()
		await page.getByRole('button', { name: /[3-9] new lines below/ }).waitFor(LIVE)
		expect(await log.textContent()).toBe(last)
		await button('Follow').click()
		await expect.poll(() => log.textContent(), LIVE).not.toBe(last)
	})

	it('sees live what happens behind the console’s back', async () => {
		await page.goto('/')
		await page.getByRole('link', { name: 'sample-postgres', exact: true }).click()
		const id = await page.locator('article').getAttribute('data-workload')
		const container = await docker('ps', '--quiet', '--filter', `label=lattice.workload=${id}`)
		await mark()
		await docker('kill', container)
		await page.locator('article:not([data-status=running])').waitFor(LIVE)
		await article('running').waitFor(LIVE)
		expect(await isMarked()).toBe(true)
	})

	it('stops, starts and restarts', async () => {
		await button('Stop').click()
		await article('stopped').waitFor(LIVE)
		await button('Start').click()
		await article('running').waitFor(LIVE)
		await button('Restart').click()
		await page.locator('article:not([data-status=running])').waitFor(LIVE)
		await article('running').waitFor(LIVE)
	})

	it('sees both in the overview, and why one failed', async () => {
		await page.goto('/deploy/custom')
		await page.getByLabel('Name', { exact: true }).fill('nowhere')
		await page.getByLabel('Image').fill('lattice-test/nowhere:1')
		await page.getByRole('button', { name: /^Deploy / }).click()
		await page.waitForURL('**/workloads/*')
		await article('failed').waitFor(LIVE)
		await page.getByText('IMAGE_NOT_FOUND').first().waitFor()
		await page.goto('/')
		for (const [name, status] of [
			['sample-postgres', 'running'],
			['chatty', 'running'],
			['nowhere', 'failed'],
		]) {
			await page.locator(`li[data-workload][data-status=${status}]`).filter({ hasText: name }).waitFor(LIVE)
		}
	})

	it('is refused with the wrong password and let in with the right one', async () => {
		await page.getByRole('button', { name: 'Log out' }).filter({ visible: true }).first().click()
		await button('Log in').waitFor()
		await page.goto('/nodes')
		await fillAccount(page, 'not this one at all')
		await button('Log in').click()
		await page.getByText('BAD_CREDENTIALS').waitFor()
		expect(await page.getByLabel('Email').inputValue()).toBe(ACCOUNT.email)
		await fillAccount(page)
		await button('Log in').click()
		await page.waitForURL('**/nodes')
		await page.getByRole('link', { name: 'one', exact: true }).first().waitFor()
	})
})

describe('every page', () => {
	it.each([1280, 390])('has no finding of axe in either theme, %i wide', async (width) => {
		const viewport = { width, height: 844 }
		const own = await open({ viewport, storageState: await context.storageState() })
		const stranger = await open({ viewport })
		const findings: string[] = []
		for (const path of ['/login', '/register']) findings.push(...(await look(stranger, path, width)))
		await own.goto('/')
		const workloads = await own.locator('li[data-workload]').evaluateAll((rows) => {
			return rows.map((row) => `/workloads/${row.getAttribute('data-workload')}`)
		})
		expect(workloads).toHaveLength(3)
		const paths = ['/', '/deploy', '/deploy/postgres', '/deploy/custom', ...workloads, `${workloads[0]}/delete`]
		for (const path of [...paths, '/nodes', `/nodes/${stack.peerId}`, '/nodes/join', '/nowhere']) {
			findings.push(...(await look(own, path, width)))
		}
		await own.context().close()
		await stranger.context().close()
		expect(findings).toEqual([])
	})
})

/** Screenshot, and what axe finds. */
async function look(where: Page, path: string, width: number): Promise<string[]> {
	await where.goto(path)
	await where.getByRole('heading', { level: 1 }).first().waitFor()
	const words = path.replace(/[^a-z]+/gi, '-').replace(/^-|-$/g, '')
	await where.screenshot({
		path: join(SCREENSHOTS, `${words.slice(0, 24) || 'overview'}-${width}.png`),
		fullPage: true,
	})
	return findingsOf(where)
}

describe('deletion', () => {
	it('asks for the name, then takes containers and volumes along', async () => {
		await page.goto('/')
		for (const name of ['sample-postgres', 'chatty', 'nowhere']) {
			await page.getByRole('link', { name, exact: true }).last().click()
			await page.getByRole('link', { name: 'Delete' }).click()
			const dialog = page.getByRole('dialog')
			await dialog.getByLabel(`Type ${name} to confirm`).fill('something else')
			await dialog.getByRole('button', { name: `Delete ${name}` }).click()
			await dialog.getByText(`Type ${name} to delete it.`).waitFor()
			await dialog.getByLabel(`Type ${name} to confirm`).fill(name)
			await dialog.getByRole('button', { name: `Delete ${name}` }).click()
			await page.waitForURL(`${stack.consoleUrl}/`)
			await expect.poll(() => page.getByRole('link', { name, exact: true }).count(), LIVE).toBe(0)
		}
		expect(await remainsOf(stack.peerId)).toEqual({ containers: [], volumes: [], networks: [] })
	})
})

describe('with JavaScript off', () => {
	it('signs up, deploys, stops and deletes by plain forms', async () => {
		const plain = await open({ javaScriptEnabled: false })
		await plain.goto('/register')
		await plain.getByLabel('Email').fill('bob@example.test')
		await plain.getByLabel('Password').fill(ACCOUNT.password)
		await plain.getByRole('button', { name: 'Create account' }).click()
		await plain.waitForURL(`${stack.consoleUrl}/`)
		await plain.goto('/deploy/custom')
		await plain.getByLabel('Name', { exact: true }).fill('Not A Name')
		await plain.getByLabel('Image').fill('lattice-test/busybox:1')
		await plain.getByRole('button', { name: /^Deploy / }).click()
		await plain.getByText('use 1 to 40 lower-case letters').waitFor()
		await plain.getByLabel('Name', { exact: true }).fill('plain')
		await plain.getByRole('button', { name: /^Deploy / }).click()
		await plain.waitForURL('**/workloads/*')
		const becomes = (status: string) =>
			expect
				.poll(async () => {
					await plain.reload()
					return plain.locator('article').getAttribute('data-status')
				}, LIVE)
				.toBe(status)
		await becomes('running')
		await plain.getByRole('button', { name: 'Stop' }).click()
		await becomes('stopped')
		await plain.getByRole('button', { name: 'Start', exact: true }).click()
		await becomes('running')
		await plain.getByRole('link', { name: 'Delete' }).click()
		await plain.getByLabel('Type plain to confirm').fill('plain')
		await plain.getByRole('button', { name: 'Delete plain' }).click()
		await plain.waitForURL(`${stack.consoleUrl}/`)
		await expect
			.poll(async () => {
				await plain.reload()
				return plain.locator('[data-workload]').count()
			}, LIVE)
			.toBe(0)
		await plain.context().close()
	})
})
