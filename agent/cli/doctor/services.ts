import { connect } from 'node:net'
import { CLOCK_LEEWAY_S } from '../../protocol/index.ts'
import { requestJson } from '../client/http.ts'
import { duration } from '../format.ts'
import { type Finding, failed, ok, warning } from './finding.ts'

const TIMEOUT_MS = 3_000
const START_IT = 'Start it with "./lattice up".'

export async function checkConsole(url: string | undefined): Promise<Finding[]> {
	if (!url)
		return [warning('console', 'none is known', `${START_IT} Or log in elsewhere: "lattice login --console URL".`)]
	const ready = await readiness('console', url)
	return ready.status === 'failed' ? [ready] : [ready, await checkClock(url)]
}

async function readiness(check: string, url: string): Promise<Finding> {
	try {
		await requestJson(new URL('/readyz', url), { timeoutMs: TIMEOUT_MS })
		return ok(check, `ready at ${url}`)
	} catch (error) {
		const why = error instanceof Error ? error.message : String(error)
		return failed(check, why, `${START_IT} If it runs, its log under HOME/logs says what it waits for.`)
	}
}

export async function checkAgent(url: string | undefined): Promise<Finding> {
	if (!url) return warning('agent', 'none has run on this home', START_IT)
	try {
		await requestJson(new URL('/healthz', url), { timeoutMs: TIMEOUT_MS })
		return ok('agent', `answers at ${url}`)
	} catch (error) {
		const why = error instanceof Error ? error.message : String(error)
		return failed('agent', why, '"./lattice up", or "./lattice agent" on a machine that joined.')
	}
}

/** Tokens, grants and certificates are judged by the clock of whoever reads them. */
async function checkClock(url: string): Promise<Finding> {
	const before = Date.now()
	const response = await fetch(new URL('/healthz', url), { signal: AbortSignal.timeout(TIMEOUT_MS) })
	await response.arrayBuffer()
	const date = Date.parse(response.headers.get('date') ?? '')
	if (Number.isNaN(date)) return warning('clock', 'the console does not say what time it is', 'Update the console.')
	return judgeClock((before + Date.now()) / 2 - date)
}

/** A Date header has whole seconds, so two are noise. */
const CLOCK_NOISE_MS = 2_000

export function judgeClock(aheadMs: number): Finding {
	const apart = Math.abs(aheadMs)
	if (apart <= CLOCK_NOISE_MS) return ok('clock', 'agrees with the console')
	const detail = `${duration(apart)} ${aheadMs > 0 ? 'ahead of' : 'behind'} the console`
	const remedy = 'Set the clocks of both machines (timedatectl set-ntp true).'
	return apart / 1000 > CLOCK_LEEWAY_S ? failed('clock', detail, remedy) : warning('clock', detail, remedy)
}

export async function checkDatabase(address: { host: string; port: number } | null): Promise<Finding> {
	if (!address) return ok('database', 'starts with "up"')
	const where = `${address.host}:${address.port}`
	if (await accepts(address)) return ok('database', `accepts connections at ${where}`)
	return failed(
		'database',
		`does not accept connections at ${where}`,
		`${START_IT} With DATABASE_URL, check that server.`,
	)
}

function accepts(address: { host: string; port: number }): Promise<boolean> {
	return new Promise((resolve) => {
		const socket = connect({ ...address, timeout: TIMEOUT_MS })
		const done = (answer: boolean) => {
			socket.destroy()
			resolve(answer)
		}
		socket.once('connect', () => done(true))
		socket.once('timeout', () => done(false))
		socket.once('error', () => done(false))
	})
}
