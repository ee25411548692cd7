import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { WORKLOAD_STATUSES } from '../../protocol/index.ts'
import { candidatePorts } from './listeners.ts'
import { HostTable, hostOf, labelOf, sslipDomain } from './names.ts'
import { reportOf } from './rig.fixture.ts'
import { routesOf } from './table.ts'

describe('the table of routes', () => {
	it('has a route for each declared port of what exposes "gateway", and for nothing else', () => {
		const ports = [
			{ container: 80, protocol: 'http' },
			{ container: 81, protocol: 'http' },
			{ container: 5432, protocol: 'tcp' },
		]
		const shown = reportOf('web', { config: { ports } })
		const hidden = reportOf('own', { config: { expose: ['lan'] } })
		const routes = routesOf([...shown, ...hidden])
		expect(routes.map(({ name, port, httpIndex }) => [name, port.container, httpIndex])).toEqual([
			['web', 80, 0],
			['web', 81, 1],
			['web', 5432, null],
		])
	})

	it('gives connections to running replicas, to suspected ones as a last resort, and to no other', () => {
		const statuses = fc.array(fc.constantFrom(...WORKLOAD_STATUSES), { minLength: 1, maxLength: 5 })
		fc.assert(
			fc.property(statuses, (given) => {
				const [route] = routesOf(reportOf('web', { statuses: given }))
				const isGone = given.every((status) => status === 'deleting')
				expect(route === undefined).toBe(isGone)
				expect(route?.backends ?? []).toEqual(
					given.flatMap((status, replica) =>
						status === 'running' || status === 'unknown'
							? [{ peerId: `h${replica}`, replica, doubtful: status === 'unknown' }]
							: [],
					),
				)
			}),
		)
	})

	it('gives nothing to a replica that a newer placement put elsewhere', () => {
		const [old] = reportOf('web')
		const [moved] = reportOf('web')
		if (!old || !moved) throw new Error('no reports')
		const there = { peerId: 'h9', name: 'h9' }
		const chosen = [{ replica: 0, node: there }]
		const newer = { ...moved, generation: 2, node: there, placement: { ...moved.placement, chosen } }
		expect(routesOf([old, newer])[0]?.backends.map(({ peerId }) => peerId)).toEqual(['h9'])
	})

	it('leaves a domain to the older workload', () => {
		const config = { domains: ['shop.example.org'] }
		const young = reportOf('young', { config, createdAt: '2026-11-25T10:00:00.000Z' })
		const old = reportOf('old', { config, createdAt: '2026-11-24T10:00:00.000Z' })
		expect(routesOf([...young, ...old]).map(({ name, domains }) => [name, domains])).toEqual([
			['young', []],
			['old', ['shop.example.org']],
		])
	})
})

describe('names', () => {
	it('leads each name to its route, below every base domain, and nothing else anywhere', () => {
		const [web, second] = routesOf(
			reportOf('web', { config: { ports: [80, 81].map((container) => ({ container, protocol: 'http' })) } }),
		)
		if (!web || !second) throw new Error('no routes')
		const table = new HostTable([web, second], ['apps.example.org', 'localhost'])
		expect(labelOf(second)).toBe(`${labelOf(web)}-81`)
		expect(table.find(`${labelOf(web)}.apps.example.org`)).toBe(web)
		expect(table.find(`${labelOf(second)}.localhost`)).toBe(second)
		for (const host of [
			'web.apps.example.org',
			`${labelOf(web)}.evil.org`,
			`x.${labelOf(web)}.localhost`,
			labelOf(web),
		]) {
			expect(table.find(host)).toBeNull()
		}
	})

	it.each([
		['Shop.Example.org:8080', 'shop.example.org'],
		['shop.example.org.', 'shop.example.org'],
		['127.0.0.1:8080', null],
		['[::1]:8080', null],
		['a..b', null],
		['a b', null],
		['', null],
		[undefined, null],
	])('reads %s as %s', (header, host) => {
		expect(hostOf(header)).toBe(host)
	})

	it('has a name for each kind of address', () => {
		expect(sslipDomain('192.0.2.1')).toBe('192.0.2.1.sslip.io')
		expect(sslipDomain('2001:db8::1')).toBe('2001-db8--1.sslip.io')
	})

	it('never reads more than a host name out of a header', () => {
		fc.assert(
			fc.property(fc.string(), (header) => {
				const host = hostOf(header)
				if (host !== null) expect(host).toMatch(/^[a-z0-9._-]{1,253}$/)
			}),
		)
	})
})

describe('ports', () => {
	it('tries every free port of the range once, from a place that is the same everywhere', () => {
		const range = fc.tuple(fc.integer({ min: 1, max: 60_000 }), fc.nat({ max: 200 }))
		fc.assert(
			fc.property(range, fc.string(), ([from, more], key) => {
				const to = from + more
				const taken = new Set([from])
				const all = [...candidatePorts({ from, to }, key, taken)]
				expect(new Set(all).size).toBe(more)
				expect(all.every((port) => port > from && port <= to)).toBe(true)
				expect(all).toEqual([...candidatePorts({ from, to }, key, taken)])
			}),
		)
	})
})
