import { describe, expect, it } from 'vitest'
import type { NodeView } from '../../agent/protocol/index.ts'
import { templateOf } from '../../agent/templates/catalogue.ts'
import { unheardStatus } from '../fleet/unheard-status.ts'
import type { AssignmentRecord } from '../models/assignment.server.ts'
import type { WorkloadRecord } from '../models/workload.server.ts'
import { commandsFor, decide, joinPlacements, missingReplicas, noNodeFits } from './placing.server.ts'

const GIB = 1024 ** 3
const NOW = new Date('2026-11-24T12:00:00Z')
const SCALING = { generation: 2, commandId: 'scaling-1' }

/** Of the name as it was claimed; the record's is what a partition left it (records.server.ts). */
const ORDERED = { sub: 'u_1', name: 'web', cmd: 'command-1', wl: `w_${'0'.repeat(20)}`, by: 'console', iat: 1 }
const DECIDED = { jti: 'decision-1', gen: 1, put: {} }
const CLAIM = `e30.${Buffer.from(JSON.stringify({ ...ORDERED, ...DECIDED })).toString('base64url')}.`

function node(peerId: string): NodeView {
	const capacity = { cpus: 4, memoryBytes: 8 * GIB, diskBytes: 100 * GIB }
	const engine = { ready: true, reason: null, version: '20' }
	const status = { ...unheardStatus(peerId, `name-${peerId}`), capacity, engine, arch: 'amd64', os: 'linux' }
	return { status, liveness: 'alive', lastSeenAt: NOW.toISOString(), roundTripMs: 1 }
}

function record(replicas: number, assignments: AssignmentRecord[] = []): WorkloadRecord {
	return {
		id: `w_${'0'.repeat(20)}`,
		ownerId: 'u_1',
		name: 'web-0000',
		type: 'custom',
		config: templateOf('custom').schema.parse({ image: 'busybox', replicas }),
		commandId: 'command-1',
		claim: CLAIM,
		generation: 1,
		replicas,
		placement: null,
		failure: null,
		order: { kind: 'deploy', refused: [] },
		orderSince: NOW,
		deleting: false,
		createdAt: NOW,
		updatedAt: NOW,
		deletedAt: null,
		assignments,
	}
}

function held(peerId: string, ordered: number[], state: AssignmentRecord['state'] = 'taken'): AssignmentRecord {
	const base = { workloadId: '', generation: 1, command: null, revision: 1, report: null, updatedAt: NOW }
	return { ...base, peerId, nodeName: `name-${peerId}`, state, ordered }
}

const ground = (nodes: NodeView[], refused: { peerId: string; name: string; reason: string }[] = []) => ({
	nodes,
	refused,
	by: 'console',
	now: NOW,
})

describe('placing', () => {
	it('misses what no host has, or may have', () => {
		const assignments = [held('a', [0]), held('b', [1], 'sent'), held('c', [2], 'removed'), held('d', [3], 'lost')]
		expect(missingReplicas(record(5, assignments))).toEqual([2, 3, 4])
	})

	it('asks nobody twice, and names those who refused', () => {
		const refused = [{ peerId: 'a', name: 'name-a', reason: 'no memory' }]
		const placement = decide(record(1), [0], ground([node('a'), node('b')], refused))
		expect(placement.chosen).toEqual([{ replica: 0, node: { peerId: 'b', name: 'name-b' } }])
		expect(placement.rejected).toContainEqual({ node: { peerId: 'a', name: 'name-a' }, reason: 'no memory' })
		const none = decide(record(1), [0], ground([node('a')], refused))
		expect(noNodeFits(none, 1)).toMatchObject({
			code: 'NO_NODE_FITS',
			message: expect.stringContaining('name-a: no memory'),
			facts: { rejected: [{ node: 'name-a', reason: 'no memory' }] },
		})
		expect(noNodeFits(decide(record(1), [0], ground([])), 1).message).toContain('no node has joined')
	})

	it('gives a new host the order of the claim, and a host that has replicas its whole list', () => {
		const before = record(3, [held('a', [0])])
		const chosen = [
			{ replica: 1, node: { peerId: 'b', name: 'name-b' } },
			{ replica: 2, node: { peerId: 'a', name: 'name-a' } },
		]
		const placement = { chosen, candidates: [], rejected: [], at: NOW.toISOString(), by: 'console' }
		const commands = commandsFor(before, placement, SCALING)
		expect(commands.map(({ peerId, command }) => [peerId, command.kind, command.commandId, command.replicas])).toEqual([
			['b', 'deploy', 'command-1', [1]],
			['a', 'scale', 'scaling-1', [0, 2]],
		])
		expect(commands.map(({ command }) => command.claim)).toEqual([CLAIM, CLAIM])
		expect(commands[0]?.command).toMatchObject({ name: 'web' })
		expect(joinPlacements(before, placement).chosen.map(({ replica, node: at }) => [replica, at.peerId])).toEqual([
			[0, 'a'],
			[1, 'b'],
			[2, 'a'],
		])
	})
})
