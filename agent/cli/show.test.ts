import { describe, expect, it } from 'vitest'
import type { Workload } from '../protocol/index.ts'
import { workloadDetail, workloadTable } from './show.ts'

const at = '2026-11-27T06:00:00.000Z'
const node = (name: string) => ({ peerId: `peer-${name}`, name })
const instance = (replica: number, name: string) =>
	({ replica, node: node(name), status: 'running', statusReason: null }) as const
const web: Workload = {
	id: 'w_web',
	name: 'web',
	type: 'custom',
	status: 'running',
	statusReason: null,
	generation: 1,
	node: node('h1'),
	replicas: 2,
	instances: [instance(0, 'h1'), instance(1, 'h2')],
	publicUrl: 'http://10.0.0.1:30001',
	endpoints: [
		{ kind: 'gateway', protocol: 'http', url: 'http://10.0.0.1:30001', container: 8080, replica: null },
		{ kind: 'host', protocol: 'http', url: 'http://127.0.0.1:27001', container: 8080, replica: 1 },
	],
	createdAt: at,
	updatedAt: at,
}

describe('a workload for people', () => {
	it('names the machine that an address is good on', () => {
		const lines = workloadDetail(web)
		expect(lines).toContain('  gateway http://10.0.0.1:30001  → port 8080')
		expect(lines).toContain('  host    http://127.0.0.1:27001  → port 8080 on h2')
		expect(lines).toContain('  replica 1  running on h2')
	})

	it('says below an address why it is not encrypted yet', () => {
		const warning = 'The ACME server ca.test does not answer (ECONNREFUSED).'
		const lines = workloadDetail({ ...web, endpoints: web.endpoints.map((each) => ({ ...each, warning })) })
		expect(lines[2]).toBe(`          not encrypted: ${warning}`)
	})

	it('counts the other machines in a list', () => {
		const now = Date.parse(at) + 5_000
		const nodeColumn = (workload: Workload) => workloadTable([workload], now)[1]?.split(/ {2,}/)[3]
		expect(nodeColumn(web)).toBe('h1 +1')
		expect(nodeColumn({ ...web, instances: [instance(0, 'h1'), instance(1, 'h1')] })).toBe('h1')
		expect(nodeColumn({ ...web, node: null, instances: [] })).toBe('-')
	})
})
