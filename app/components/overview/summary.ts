import type { Node, Workload } from '../../../agent/protocol/index.ts'
import type { StatusCounts } from '../../services/services.ts'
import { plural } from '../ui/format.ts'
import { STATUSES, TONE_OF_STATUS, type Tone } from '../ui/status.tsx'

export interface Summary {
	sentence: string
	tone: Tone
}

/** The page's first words: all well, or the share that is and every kind of exception by its count. */
export function summarize(count: Record<Tone, number>): Summary {
	const all = Object.values(count).reduce((sum, one) => sum + one, 0)
	const wanted = all - count.stopped
	const exceptions = [
		count.failed > 0 && `${count.failed} failed`,
		count.degraded > 0 && `${count.degraded} unhealthy`,
		count.unknown > 0 && `${count.unknown} unknown`,
		count.progressing > 0 && `${count.progressing} on the way`,
	].filter((part) => part !== false)
	const stopped = count.stopped > 0 ? `, ${count.stopped} stopped` : ''

	if (all === 0) return { sentence: 'Nothing runs here yet', tone: 'stopped' }
	if (wanted === 0) return { sentence: `${plural(count.stopped, 'workload')}, all stopped`, tone: 'stopped' }
	if (exceptions.length === 0) {
		const healthy = wanted === 1 ? '1 workload, healthy' : `All ${wanted} healthy`
		return { sentence: healthy + stopped, tone: 'healthy' }
	}
	return { sentence: `${count.healthy} of ${wanted} healthy, ${exceptions.join(', ')}${stopped}`, tone: worst(count) }
}

function worst(count: Record<Tone, number>): Tone {
	const order: Tone[] = ['failed', 'degraded', 'unknown', 'progressing']
	return order.find((tone) => count[tone] > 0) ?? 'healthy'
}

export function countByTone(workloads: readonly Workload[]): Record<Tone, number> {
	const count = noneOf()
	for (const workload of workloads) count[TONE_OF_STATUS[workload.status]] += 1
	return count
}

export function tonesOf(counts: StatusCounts): Record<Tone, number> {
	const count = noneOf()
	for (const status of STATUSES) count[TONE_OF_STATUS[status]] += counts[status] ?? 0
	return count
}

function noneOf(): Record<Tone, number> {
	return { healthy: 0, progressing: 0, degraded: 0, failed: 0, stopped: 0, unknown: 0 }
}

export interface Exception {
	key: string
	tone: Tone
	subject: string
	to: string
	/** what is wrong */
	sentence: string
	/** what to do about it */
	remedy: { label: string; to: string }
}

/** What needs a person, worst first; everything else is in the lists below. */
export function exceptionsOf(workloads: readonly Workload[], nodes: readonly Node[]): Exception[] {
	const found = [...workloads.flatMap(workloadException), ...nodes.flatMap(nodeException)]
	const order: Tone[] = ['failed', 'degraded', 'unknown']
	return found.sort((a, b) => order.indexOf(a.tone) - order.indexOf(b.tone) || a.subject.localeCompare(b.subject))
}

function workloadException(workload: Workload): Exception[] {
	const tone = TONE_OF_STATUS[workload.status]
	if (tone !== 'failed' && tone !== 'degraded' && tone !== 'unknown') return []
	const to = `/workloads/${workload.id}`
	const where = workload.node ? ` on ${workload.node.name}` : ''
	const sentence = workload.error?.message ?? workload.statusReason ?? `It is ${workload.status}${where}.`
	const remedy =
		tone === 'unknown' && workload.node
			? { label: `Look at ${workload.node.name}`, to: `/nodes/${workload.node.peerId}` }
			: { label: tone === 'failed' ? 'See the failed step' : 'See its logs', to: tone === 'failed' ? to : `${to}#logs` }
	return [{ key: workload.id, tone, subject: workload.name, to, sentence, remedy }]
}

function nodeException(node: Node): Exception[] {
	const to = `/nodes/${node.peerId}`
	const exception = (tone: Tone, sentence: string): Exception[] => [
		{ key: node.peerId, tone, subject: node.name, to, sentence, remedy: { label: `Look at ${node.name}`, to } },
	]
	if (node.status === 'down') {
		return exception(
			'failed',
			'No member can reach this machine. See that it has power and network, and that its agent runs.',
		)
	}
	if (node.status === 'suspect') {
		return exception('degraded', 'This machine missed a probe; others are being asked whether they reach it.')
	}
	if (node.status === 'alive' && !node.engine.ready) {
		return exception(
			'degraded',
			node.engine.reason ?? 'Its container engine does not answer. Start Docker on this machine.',
		)
	}
	return []
}
