import { describe, expect, it } from 'vitest'
import type { ReplicaRow } from '../../store/assignments.ts'
import { planTunnels, type Tunnel, tunnelKey, wantedTunnels } from './plan.ts'

const web = { workloadId: 'w_00000000000000000001', name: 'web', desired: 'running' as const }

function row(
	index: number,
	status: ReplicaRow['status'],
	port = 20_000 + index,
): Pick<ReplicaRow, 'index' | 'status' | 'ports'> {
	const binding = { container: 80, protocol: 'http' as const, port }
	return {
		index,
		status,
		ports: [
			{ ...binding, kind: 'host', address: '127.0.0.1' },
			{ ...binding, kind: 'lan', address: '192.0.2.7' },
			{ ...binding, container: 5432, protocol: 'tcp', kind: 'host', address: '127.0.0.1', port: port + 1000 },
		],
	}
}

describe('which tunnels are wanted', () => {
	it('one a declared port, to the first replica that runs, at its loopback port', () => {
		const wanted = wantedTunnels(web, [row(2, 'running'), row(1, 'running'), row(0, 'failed')], ['ngrok'])
		expect(wanted.map(({ replica, container, protocol, target }) => [replica, container, protocol, target])).toEqual([
			[1, 80, 'http', '127.0.0.1:20001'],
			[1, 5432, 'tcp', '127.0.0.1:21001'],
		])
	})

	it('none of what is not exposed so, is to stop, or does not run', () => {
		expect(wantedTunnels(web, [row(0, 'running')], ['gateway', 'lan'])).toEqual([])
		expect(wantedTunnels({ ...web, desired: 'stopped' }, [row(0, 'running')], ['ngrok'])).toEqual([])
		expect(wantedTunnels({ ...web, desired: 'deleted' }, [row(0, 'running')], ['ngrok'])).toEqual([])
		for (const status of ['pending', 'starting', 'stopping', 'stopped', 'failed'] as const)
			expect(wantedTunnels(web, [row(0, status)], ['ngrok'])).toEqual([])
		expect(wantedTunnels(web, [row(0, 'unhealthy')], ['ngrok'])).toHaveLength(2)
	})
})

describe('what makes those that are open those that are wanted', () => {
	const [http, tcp] = wantedTunnels(web, [row(0, 'running')], ['ngrok']) as [Tunnel, Tunnel]

	it('opens what is missing, closes what is too much, leaves the rest', () => {
		expect(planTunnels([http, tcp], new Set([tunnelKey(http), 'old']), 'token')).toEqual({
			open: [tcp],
			close: ['old'],
		})
		expect(planTunnels([http], new Set([tunnelKey(http)]), 'token')).toEqual({ open: [], close: [] })
	})

	it('another port of the host needs another tunnel', () => {
		const moved = { ...http, target: '127.0.0.1:20009' }
		expect(planTunnels([moved], new Set([tunnelKey(http)]), 'token')).toEqual({
			open: [moved],
			close: [tunnelKey(http)],
		})
	})

	it('closes all and opens none without a token', () => {
		expect(planTunnels([http, tcp], new Set([tunnelKey(http)]), null)).toEqual({ open: [], close: [tunnelKey(http)] })
	})
})
