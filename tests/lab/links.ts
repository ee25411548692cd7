import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { makeGroup, members } from './cgroup.ts'
import { until } from './command.ts'
import { inside, netOnly } from './namespaces.ts'
import { restoreRules, SWITCH } from './network.ts'
import type { LabState, LinkCondition } from './state.ts'

export const ANY = '*'
const DELAYS = 'delays'

/** What two directions of one link look like. */
export function bothWays(a: string, b: string, change: Partial<LinkCondition>): LinkCondition[] {
	const intact = { cut: false, delayMs: 0, lossPercent: 0 }
	return [
		{ ...intact, ...change, from: a, to: b },
		{ ...intact, ...change, from: b, to: a },
	]
}

/** Lays `changes` over what is there; a direction without any condition left is dropped from the list. */
export function merge(
	conditions: readonly LinkCondition[],
	a: string,
	b: string,
	change: Partial<Pick<LinkCondition, 'cut' | 'delayMs' | 'lossPercent'>>,
): LinkCondition[] {
	const result = [...conditions]
	for (const fresh of bothWays(a, b, change)) {
		const at = result.findIndex(({ from, to }) => from === fresh.from && to === fresh.to)
		const merged = at === -1 ? fresh : { ...(result[at] as LinkCondition), ...change }
		if (at === -1) result.push(merged)
		else result[at] = merged
	}
	return result.filter(({ cut, delayMs, lossPercent }) => cut || delayMs > 0 || lossPercent > 0)
}

export interface LinkRules {
	/** for iptables-restore */
	text: string
	/** the queue of each delay that the rules use */
	queues: { queue: number; delayMs: number }[]
}

/**
 * The switch's FORWARD chain sees every packet between hosts, INPUT those to the registry. Dropping there is silent for
 * both ends, as a broken cable is; a DROP in the sender's own OUTPUT would give it EPERM. Cuts come first, then losses,
 * then delays, because the first verdict is final.
 */
export function linkRules(conditions: readonly LinkCondition[]): LinkRules {
	const verdicts: { condition: LinkCondition; verdict: string }[] = []
	const queues: LinkRules['queues'] = []
	for (const condition of conditions) if (condition.cut) verdicts.push({ condition, verdict: '-j DROP' })
	for (const condition of conditions) {
		if (condition.cut || condition.lossPercent === 0) continue
		const probability = (condition.lossPercent / 100).toFixed(6)
		verdicts.push({ condition, verdict: `-m statistic --mode random --probability ${probability} -j DROP` })
	}
	for (const condition of conditions) {
		if (condition.cut || condition.delayMs === 0) continue
		const queue = queues.length
		queues.push({ queue, delayMs: condition.delayMs })
		verdicts.push({ condition, verdict: `-j NFQUEUE --queue-num ${queue} --queue-bypass` })
	}
	const lines = ['*filter', ':FORWARD ACCEPT', ':INPUT ACCEPT']
	for (const { condition, verdict } of verdicts) {
		const entering = condition.from === ANY ? '' : ` --physdev-in ${condition.from}`
		const leaving = condition.to === ANY ? '' : ` --physdev-out ${condition.to}`
		lines.push(`-A FORWARD -m physdev --physdev-is-bridged${entering}${leaving} ${verdict}`)
		if (condition.to === ANY) lines.push(`-A INPUT -m physdev${entering} ${verdict}`)
	}
	return { text: `${[...lines, 'COMMIT'].join('\n')}\n`, queues }
}

/** Makes the switch behave as `lab.links` says. Packets that a former delay still holds are lost. */
export async function applyLinks(lab: LabState): Promise<void> {
	const { text, queues } = linkRules(lab.links)
	for (const pid of await members(lab.id, DELAYS)) process.kill(pid, 'SIGKILL')
	await until('the end of the former delays', 5000, async () => (await members(lab.id, DELAYS)).length === 0)
	if (queues.length > 0) await startDelays(lab.id, queues)
	await restoreRules(lab.id, SWITCH, text)
}

async function startDelays(lab: string, queues: LinkRules['queues']): Promise<void> {
	const group = await makeGroup(lab, DELAYS)
	const program = ['perl', join(import.meta.dirname, 'delay.pl'), ...queues.map((q) => `${q.queue}:${q.delayMs}`)]
	const [file = '', ...args] = inside(netOnly(lab, SWITCH), group, program, '/')
	const child = spawn(file, args, { stdio: ['ignore', 'pipe', 'inherit'], detached: true })
	await new Promise<void>((resolve, reject) => {
		child.once('error', reject)
		child.once('exit', (code) => reject(new Error(`the delaying process ended with ${code}`)))
		child.stdout.once('data', () => resolve())
	})
	child.stdout.destroy()
	child.unref()
}
