import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Browser, Page } from 'playwright'
import { ACCOUNT, CHATTER, createLattice, type TestLattice } from './cluster/lattice.ts'
import { ensureImages } from './fixtures/build.ts'
import { launchChromium } from './fixtures/chromium.ts'
import { BUSYBOX, POSTGRES } from './fixtures/images.ts'
import { ensureRequirements } from './run/requirements.ts'

/**
 * `npm run screenshots`: the pictures of the README, from a real lattice of three machines with real workloads on them.
 * As root on Debian or Ubuntu, as the tests.
 */
const FOLDER = join(import.meta.dirname, '../docs/screenshots')
const SIZE = { width: 1280, height: 800 }

const ORDERS = [
	{ name: 'shop-db', type: 'postgres', config: { version: POSTGRES.split(':')[1] ?? '17' } },
	{ name: 'shop', type: 'custom', config: { ...web(), replicas: 3 } },
	{ name: 'docs', type: 'custom', config: web() },
	{ name: 'worker', type: 'custom', config: CHATTER },
	{ name: 'mailer', type: 'custom', config: { ...web(), resources: { memoryMiB: 48, cpus: 0.3 } } },
] as const

function web() {
	return { image: BUSYBOX, ports: [{ container: 8080, protocol: 'http' }], resources: { memoryMiB: 64, cpus: 0.25 } }
}

async function deployAll(lattice: TestLattice): Promise<Record<string, string>> {
	const ids: Record<string, string> = {}
	for (const order of ORDERS) {
		const { id } = await lattice.trpc().workload.deploy.mutate(order)
		await lattice.record(id, 'running', 90_000)
		ids[order.name] = id
	}
	return ids
}

async function logIn(browser: Browser, origin: string, colorScheme: 'light' | 'dark'): Promise<Page> {
	const context = await browser.newContext({ baseURL: origin, viewport: SIZE, deviceScaleFactor: 2, colorScheme })
	const page = await context.newPage()
	await page.goto('/login')
	await page.getByLabel('Email').fill(ACCOUNT.email)
	await page.getByLabel('Password').fill(ACCOUNT.password)
	await page.getByRole('button', { name: 'Log in' }).click()
	await page.waitForURL((url) => url.pathname === '/')
	return page
}

async function shoot(page: Page, path: string, name: string): Promise<void> {
	await page.goto(path)
	await page.getByText('Live', { exact: true }).filter({ visible: true }).waitFor()
	await page.screenshot({ path: join(FOLDER, `${name}.png`) })
	process.stderr.write(`docs/screenshots/${name}.png\n`)
}

ensureRequirements({ lab: true, browser: true }, (line) => process.stderr.write(`${line}\n`))
await ensureImages((line) => process.stderr.write(`${line}\n`))
await mkdir(FOLDER, { recursive: true })
const lattice = await createLattice({ hosts: 3 })
const browser = await launchChromium()
try {
	const ids = await deployAll(lattice)
	const light = await logIn(browser, lattice.h1.consoleUrl, 'light')
	await shoot(light, '/', 'overview')
	await shoot(light, `/workloads/${ids['shop-db']}`, 'workload')
	const dark = await logIn(browser, lattice.h1.consoleUrl, 'dark')
	await shoot(dark, '/deploy/postgres', 'deploy')
} finally {
	await browser.close()
	await lattice.down()
}
