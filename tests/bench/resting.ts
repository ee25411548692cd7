import { readFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import type { Stack } from '../integration/stack-fixture.ts'
import { type BenchRow, percentile, row } from './row.ts'

const GOAL_START_MS = 4000
const GOAL_RSS_MIB = 150

/** `./lattice up` on a home and a checkout that were used before, until both ready lines. Leaves it running. */
export async function warmStarts(stack: Stack, starts: number): Promise<BenchRow[]> {
	const times: number[] = []
	for (let start = 0; start < starts; start++) {
		await stack.stop()
		const began = performance.now()
		await stack.start()
		times.push(performance.now() - began)
	}
	return [
		row(`warm up: p50 of ${starts}`, percentile(times, 0.5), 'ms', GOAL_START_MS),
		row(`warm up: slowest of ${starts}`, Math.max(...times), 'ms'),
	]
}

/** Resident memory of the agent (and, beside it, of the console) after so long without an order. */
export async function restingMemory(stack: Stack, when: string, idleS: number): Promise<BenchRow[]> {
	await delay(idleS * 1000)
	const agent = pidOf(stack, 'agent')
	const maps = readFileSync(`/proc/${agent}/maps`, 'utf8')
	return [
		row(`agent: resident ${idleS} s after ${when}`, residentMiB(agent), 'MiB', GOAL_RSS_MIB),
		row(`agent: ngrok's library loaded ${idleS} s after ${when}`, Number(/ngrok.*\.node/.test(maps)), '', 0),
		row(`console: resident ${idleS} s after ${when}`, residentMiB(pidOf(stack, 'console')), 'MiB'),
	]
}

function pidOf(stack: Stack, part: 'agent' | 'console'): number {
	const pid = stack.pidOf(part)
	if (pid === null) throw new Error(`the ${part} does not run`)
	return pid
}

function residentMiB(pid: number): number {
	const [, kib] = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? []
	return Number(kib) / 1024
}
