import Dockerode from 'dockerode'
import { launchChromium } from '../fixtures/chromium.ts'
import { TEST_ENGINE } from '../integration/engine-fixture.ts'
import { ACCOUNT, rest, WEB } from '../integration/stack-clients.ts'
import type { Stack } from '../integration/stack-fixture.ts'
import { type BenchRow, percentile, row } from './row.ts'

const GOAL_P95_MS = 150
const LIVE_MS = 30_000

/**
 * A running container is killed; from the moment that Docker's own event states to the moment that the row in the
 * browser is no longer `running`. Both clocks are this machine's.
 */
export async function killedInDom(stack: Stack, token: string, samples: number): Promise<BenchRow[]> {
	const engine = new Dockerode({ socketPath: TEST_ENGINE.replace('unix://', '') })
	const { body } = await rest(stack, token, 'POST', '/api/workloads/deploy', {
		name: 'bench-dom',
		type: 'custom',
		config: WEB,
	})
	const filters = { label: [`lattice.workload=${body.id}`] }
	const browser = await launchChromium()
	try {
		const page = await browser.newPage({ baseURL: stack.consoleUrl })
		await page.goto('/login')
		await page.getByLabel('Email').fill(ACCOUNT.email)
		await page.getByLabel('Password').fill(ACCOUNT.password)
		await page.getByRole('button', { name: 'Log in' }).click()
		const shown = `[data-workload="${body.id}"]`
		const running = page.locator(`${shown}[data-status=running]`).first()
		const times: number[] = []
		for (let sample = 0; sample < samples; sample++) {
			await running.waitFor({ timeout: LIVE_MS })
			const left = page.evaluate((selector) => {
				const element = document.querySelector(selector)
				return new Promise<number>((resolve) => {
					new MutationObserver((_, observer) => {
						if (document.querySelector(selector)?.getAttribute('data-status') === 'running') return
						observer.disconnect()
						resolve(Date.now())
					}).observe(element?.parentElement ?? document.body, { subtree: true, attributes: true, childList: true })
				})
			}, shown)
			const [container] = await engine.listContainers({ filters })
			if (!container) throw new Error('the workload has no container')
			const since = Math.floor(Date.now() / 1000)
			await engine.getContainer(container.Id).kill()
			const at = await left
			times.push(at - (await diedAt(engine, container.Id, since)))
		}
		return [
			row(`browser: a killed container after Docker's event, p50 of ${times.length}`, percentile(times, 0.5), 'ms'),
			row("browser: a killed container after Docker's event, p95", percentile(times, 0.95), 'ms', GOAL_P95_MS),
		]
	} finally {
		await browser.close()
		await rest(stack, token, 'DELETE', `/api/workloads/${body.id}`)
	}
}

/** Milliseconds since the epoch of its last `die`, by the engine. */
async function diedAt(engine: Dockerode, id: string, since: number): Promise<number> {
	const until = Math.ceil(Date.now() / 1000)
	const events = await engine.getEvents({ since, until, filters: { container: [id], event: ['die'] } })
	let text = ''
	for await (const chunk of events) text += chunk
	const last = text.trim().split('\n').at(-1)
	const { timeNano } = JSON.parse(last ?? '{}') as { timeNano: number }
	return timeNano / 1e6
}
