import { describe, expect, it } from 'vitest'
import type { Endpoint, WorkloadStatus } from '../../agent/protocol/index.ts'
import { unheardStatus } from '../fleet/unheard-status.ts'
import type { AssignmentRecord } from '../models/assignment.server.ts'
import type { WorkloadRecord } from '../models/workload.server.ts'
import { type Hosts, viewOf } from './workload-view.server.ts'

const AT = new Date('2026-11-24T12:00:00Z')
const FAILURE = { code: 'NO_NODE_FITS' as const, message: 'No node can run this.', facts: {} }

function record(change: Partial<WorkloadRecord> = {}): WorkloadRecord {
	return {
		id: `w_${'0'.repeat(20)}`,
		ownerId: 'u_1',
		name: 'web',
		type: 'custom',
		config: {},
		commandId: 'command-1',
		claim: '',
		generation: 1,
		replicas: change.assignments?.length ?? 1,
		placement: null,
		failure: null,
		order: null,
		orderSince: null,
		deleting: false,
		createdAt: AT,
		updatedAt: AT,
		deletedAt: null,
		assignments: [],
		...change,
	}
}

function held(peerId: string, status: WorkloadStatus | null, change: Partial<AssignmentRecord> = {}): AssignmentRecord {
	const report = status && {
		generation: 1,
		desired: 'running' as const,
		status,
		statusReason: status === 'failed' ? 'it exited with 1' : null,
		error: null,
		replicas: [],
		updatedAt: AT.toISOString(),
	}
	const base = {
		workloadId: '',
		nodeName: `name of ${peerId}`,
		generation: 1,
		command: null,
		revision: 1,
		updatedAt: AT,
	}
	return { ...base, peerId, state: 'taken', ordered: [0], report, ...change }
}

function endpoint(kind: Endpoint['kind'], url: string): Endpoint {
	return { kind, url, protocol: 'http', container: 80, replica: 0 }
}

/** Everybody is there, but for those named. */
function hosts(...away: string[]): Hosts {
	return {
		isCurrent: (peerId) => !away.includes(peerId),
		routes: () => [],
		view: (peerId) => ({
			status: unheardStatus(peerId, peerId),
			liveness: away.includes(peerId) ? 'down' : 'alive',
			lastSeenAt: AT.toISOString(),
			roundTripMs: null,
		}),
	}
}

describe('the status of a workload', () => {
	it('is pending until a host is found, and failed with the reason when none is', () => {
		expect(viewOf(record(), hosts())).toMatchObject({ status: 'pending', node: null, error: null })
		expect(viewOf(record({ failure: FAILURE }), hosts())).toMatchObject({
			status: 'failed',
			statusReason: FAILURE.message,
			error: FAILURE,
		})
	})

	it('is what its host reports', () => {
		for (const status of ['pulling', 'running', 'unhealthy', 'stopped', 'failed'] as const) {
			expect(viewOf(record({ assignments: [held('a', status)] }), hosts()).status).toBe(status)
		}
	})

	it('is unknown while its host is away, and keeps a failure that is known', () => {
		const running = record({ assignments: [held('a', 'running')] })
		expect(viewOf(running, hosts('a'))).toMatchObject({
			status: 'unknown',
			statusReason: expect.stringMatching(/^name of a does not answer; last seen 2026.*then running\.$/),
		})
		expect(viewOf(record({ assignments: [held('a', 'failed')] }), hosts('a')).status).toBe('failed')
		const asked = held('a', null, { state: 'sent' })
		expect(viewOf(record({ assignments: [asked] }), hosts('a')).status).toBe('unknown')
		expect(viewOf(record({ assignments: [asked] }), hosts()).status).toBe('pending')
	})

	it('of several hosts counts those that failed or cannot be asked', () => {
		const two = [held('a', 'running'), held('b', 'running', { ordered: [1] })]
		expect(viewOf(record({ assignments: two }), hosts()).status).toBe('running')
		expect(viewOf(record({ assignments: two }), hosts('b'))).toMatchObject({
			status: 'unhealthy',
			statusReason: expect.stringContaining('1 of 2 replicas cannot be asked: name of b'),
		})
		expect(viewOf(record({ assignments: two }), hosts('a', 'b')).status).toBe('unknown')
		const one = [held('a', 'running'), held('b', 'failed', { ordered: [1] })]
		expect(viewOf(record({ assignments: one }), hosts()).statusReason).toContain('1 of 2 replicas failed')
		const starting = [held('a', 'running'), held('b', 'starting', { ordered: [1] })]
		expect(viewOf(record({ assignments: starting }), hosts()).status).toBe('starting')
		const unplaced = record({ assignments: [held('a', 'running')], replicas: 3, failure: FAILURE })
		expect(viewOf(unplaced, hosts())).toMatchObject({
			status: 'unhealthy',
			statusReason: '2 of 3 replicas failed: No node can run this.',
			error: FAILURE,
		})
	})

	it('says so when it is being deleted, and when its host forgot it', () => {
		const deleting = record({ deleting: true, assignments: [held('a', 'running')] })
		expect(viewOf(deleting, hosts()).status).toBe('deleting')
		expect(viewOf(deleting, hosts('a')).status).toBe('unknown')
		const lost = record({ assignments: [held('a', 'running', { state: 'lost' })] })
		expect(viewOf(lost, hosts())).toMatchObject({ status: 'failed', error: { code: 'INTERRUPTED' } })
	})

	it('passes over hosts that hold nothing of it any more', () => {
		const assignments = [
			held('a', 'running'),
			held('b', null, { state: 'removed' }),
			held('c', 'stopped', { ordered: [] }),
		]
		expect(viewOf(record({ assignments, replicas: 1 }), hosts())).toMatchObject({
			status: 'running',
			node: { peerId: 'a' },
		})
	})
})

describe('publicUrl', () => {
	const at = (endpoints: Endpoint[], status: WorkloadStatus = 'running') => {
		const replica = { index: 0, status, statusReason: null, error: null, containerId: null }
		const replicas = [{ ...replica, startedAt: null, exitCode: null, restarts: 0, endpoints }]
		const [assignment] = [held('a', status)]
		const report = assignment.report && { ...assignment.report, replicas }
		return viewOf(record({ assignments: [{ ...assignment, report }] }), hosts()).publicUrl
	}
	const host = endpoint('host', 'http://127.0.0.1:3000')
	const lan = endpoint('lan', 'http://192.0.2.1:3000')
	const gateway = endpoint('gateway', 'http://192.0.2.9:8000')
	const named = endpoint('gateway', 'http://web.example')

	it('is the one that reaches farthest: ngrok, a gateway by name, by address, LAN, host', () => {
		expect(at([host, lan, gateway, named, endpoint('ngrok', 'https://x.ngrok.app')])).toBe('https://x.ngrok.app')
		expect(at([host, lan, gateway, named])).toBe('http://web.example')
		expect(at([host, lan, gateway])).toBe('http://192.0.2.9:8000')
		expect(at([host, lan])).toBe('http://192.0.2.1:3000')
		expect(at([host])).toBe('http://127.0.0.1:3000')
		expect(at([])).toBeNull()
	})

	it('is none while nothing answers there', () => {
		expect(at([host], 'stopped')).toBeNull()
		expect(at([endpoint('mesh', 'http://127.0.0.1:1')])).toBeNull()
	})
})
