import type { Node } from '../../../agent/protocol/index.ts'
import type { LiveState } from '../live/live-store.ts'
import { TONE_OF_STATUS } from '../ui/status.tsx'
import type { Dot } from './lattice-layout.ts'

/** Null: the console's. */
export type PlaceOf = (peerId: string | null) => Dot | null

/** The lines from the console to the machines that it reaches, as two paths; a relayed one goes by way of the relay. */
export function wiresOf(nodes: readonly Node[], placeOf: PlaceOf): { direct: string; relayed: string } {
	const lines = (through: (relay: string | null) => boolean) =>
		nodes
			.flatMap(({ peerId, path }) => (path && through(path.through) ? routeOf(path.through, [peerId], placeOf) : []))
			.join('')
	return { direct: lines((relay) => relay === null), relayed: lines((relay) => relay !== null) }
}

/** An order that has not come to its end. */
export interface CommandUnderWay {
	workloadId: string
	/** the node that took and placed it; null: the console */
	from: string | null
	/** the hosts that it went to, but for the one that took it */
	to: string[]
}

export function commandsOf(
	{ workloads, events }: Pick<LiveState, 'workloads' | 'events'>,
	nodes: ReadonlySet<string>,
): CommandUnderWay[] {
	return [...workloads.values()].flatMap(({ id, status, node, instances = [] }) => {
		if (TONE_OF_STATUS[status] !== 'progressing') return []
		const by = events.get(id)?.findLast(({ placement }) => placement !== null)?.placement?.by
		const from = by !== undefined && nodes.has(by) ? by : null
		const homes = new Set(instances.flatMap((instance) => instance.node?.peerId ?? []))
		if (homes.size === 0 && node) homes.add(node.peerId)
		const to = [...homes].filter((peerId) => peerId !== from)
		return to.length === 0 ? [] : [{ workloadId: id, from, to }]
	})
}

export function routeOf(from: string | null, to: readonly string[], placeOf: PlaceOf): string {
	const start = placeOf(from)
	if (start === null) return ''
	return to
		.flatMap((peerId) => placeOf(peerId) ?? [])
		.map((end) => `M${start.x} ${start.y}L${end.x} ${end.y}`)
		.join('')
}
