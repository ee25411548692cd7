import { describe, expect, it } from 'vitest'
import { bestFirst, publicUrlOf } from './reach.ts'
import type { Endpoint } from './workload.ts'

const endpoint = (kind: Endpoint['kind'], url: string, more: Partial<Endpoint> = {}): Endpoint => ({
	kind,
	protocol: 'http',
	url,
	container: 80,
	replica: null,
	...more,
})

const host = endpoint('host', 'http://127.0.0.1:20001')
const lan = endpoint('lan', 'http://192.168.1.5:20001')
const address = endpoint('gateway', 'http://192.0.2.9:30001')
const name = endpoint('gateway', 'http://web-abc.192.0.2.9.sslip.io:8080')
const custom = endpoint('gateway', 'https://shop.example.org', { custom: true })
const ngrok = endpoint('ngrok', 'https://x.ngrok.app')

describe('which endpoint is given to people', () => {
	it('keeps the order of the contract', () => {
		const mixed = [endpoint('mesh', 'tcp://x:1'), host, address, lan, name, ngrok, custom]
		expect(bestFirst(mixed).slice(0, 6)).toEqual([custom, ngrok, name, address, lan, host])
		expect(publicUrlOf(mixed)).toBe(custom.url)
	})

	it('passes over what was dialled and does not answer', () => {
		const dead = { ...custom, reachable: false }
		expect(bestFirst([dead, address, host])).toEqual([address, host, dead])
		expect(publicUrlOf([dead])).toBeNull()
	})

	it('prefers the host’s own port to a gateway on loopback of the same machine, which goes with the agent', () => {
		const loopback = endpoint('gateway', 'http://127.0.0.1:30001')
		expect(publicUrlOf([{ ...loopback, local: true }, host])).toBe(host.url)
		// Of a workload elsewhere the gateway is the only way from here.
		expect(publicUrlOf([loopback, host])).toBe(loopback.url)
	})

	it('never gives a mesh address to people', () => {
		expect(publicUrlOf([endpoint('mesh', 'tcp://x:1')])).toBeNull()
	})
})
