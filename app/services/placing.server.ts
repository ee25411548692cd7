import { peekClaim } from '../../agent/identity/index.ts'
import {
	LatticeError,
	type NodeView,
	type Placement,
	type Requirements,
	type WireError,
} from '../../agent/protocol/index.ts'
import { place } from '../../agent/scheduler/place.ts'
import { templateOf } from '../../agent/templates/catalogue.ts'
import type { Template } from '../../agent/templates/template.ts'
import type { AssignmentRecord, PlacingCommand } from '../models/assignment.server.ts'
import type { PendingOrder, WorkloadRecord } from '../models/workload.server.ts'

export type Refused = Extract<PendingOrder, { kind: 'deploy' }>['refused']

/** The name that its hosts and claims know: the record of one of two that had the same name has another (records.server.ts). */
export function claimedName({ name, claim }: Pick<WorkloadRecord, 'name' | 'claim'>): string {
	return claim === '' ? name : peekClaim(claim).name
}

/** Assignments whose replicas count as given: the host has them, or may have. */
export function given(record: WorkloadRecord): AssignmentRecord[] {
	return record.assignments.filter(({ state }) => state === 'sent' || state === 'taken')
}

/** Replica indexes that no host has been given. */
export function missingReplicas(record: WorkloadRecord): number[] {
	const held = new Set(given(record).flatMap((assignment) => assignment.ordered))
	return Array.from({ length: record.replicas }, (_, index) => index).filter((index) => !held.has(index))
}

export function requirementsOf(record: Pick<WorkloadRecord, 'type' | 'config'>): Requirements {
	const template: Template = templateOf(record.type)
	return template.requirements(template.schema.parse(record.config))
}

/** The decision over the console's view of the nodes; what refused before is named among the rejected. */
export function decide(
	record: Pick<WorkloadRecord, 'id' | 'ownerId' | 'type' | 'config'>,
	replicas: number[],
	ground: { nodes: NodeView[]; refused: Refused; by: string; now: Date },
): Placement {
	const placement = place({
		requirements: requirementsOf(record),
		nodes: ground.nodes.filter(({ status }) => !ground.refused.some(({ peerId }) => peerId === status.peerId)),
		owner: record.ownerId,
		workloadId: record.id,
		replicas,
		by: ground.by,
		at: ground.now.toISOString(),
	})
	const refused = ground.refused.map(({ peerId, name, reason }) => ({ node: { peerId, name }, reason }))
	return { ...placement, rejected: [...placement.rejected, ...refused] }
}

/** Replicas that stay where they are, and those newly placed, as one explanation of the whole. */
export function joinPlacements(record: WorkloadRecord, placement: Placement): Placement {
	const names = new Map(record.assignments.map(({ peerId, nodeName }) => [peerId, nodeName]))
	const kept = given(record).flatMap(({ peerId, ordered }) =>
		ordered.map((replica) => ({ replica, node: { peerId, name: names.get(peerId) ?? peerId } })),
	)
	return { ...placement, chosen: [...kept, ...placement.chosen].sort((a, b) => a.replica - b.replica) }
}

/**
 * What each chosen host is told. A host that is new to the workload gets the deploy order itself, under the command id
 * of the claim; one that has replicas of it already is told its whole new list at a newer generation.
 */
export function commandsFor(
	record: WorkloadRecord,
	placement: Placement,
	scaling: { generation: number; commandId: string },
): { peerId: string; nodeName: string; command: PlacingCommand }[] {
	const whole = joinPlacements(record, placement)
	const holders = new Map(given(record).map((assignment) => [assignment.peerId, assignment]))
	const groups = Map.groupBy(placement.chosen, ({ node }) => node.peerId)
	return [...groups].map(([peerId, chosen]) => {
		const nodeName = chosen[0]?.node.name ?? peerId
		const added = chosen.map(({ replica }) => replica)
		const holder = holders.get(peerId)
		const base = { workloadId: record.id, placement: whole }
		if (holder) {
			const replicas = [...holder.ordered, ...added].sort((a, b) => a - b)
			return { peerId, nodeName, command: { kind: 'scale', ...base, ...scaling, replicas, claim: record.claim } }
		}
		const { commandId, type, config, claim, generation } = record
		const name = claimedName(record)
		return {
			peerId,
			nodeName,
			command: { kind: 'deploy', ...base, commandId, name, type, config, claim, generation, replicas: added },
		}
	})
}

export function noNodeFits(placement: Placement, wanted: number): WireError {
	const rejected = placement.rejected.map(({ node, reason }) => ({ node: node.name, reason }))
	const why = rejected.map(({ node, reason }) => `${node}: ${reason}`).join('; ')
	const fits = placement.chosen.length
	const what = fits > 0 ? `Only ${fits} of ${wanted} replicas fit` : 'No node can run this'
	const because = why === '' ? (fits > 0 ? '' : ': no node has joined this lattice') : ` (${why})`
	return new LatticeError('NO_NODE_FITS', `${what}${because}. Ask for less, or add a node.`, { rejected }).toJSON()
}

/** The host took nothing, and another may: its own state is why. */
export function isHostsOwn(code: string): boolean {
	return ['NODE_REFUSED', 'ENGINE_UNAVAILABLE', 'NOT_READY', 'DISK_FULL', 'HOST_UNREACHABLE'].includes(code)
}
