import { describe, expect, it } from 'vitest'
import { mayDial } from './may-dial.ts'

const interfaces = {
	lo: [{ address: '127.0.0.1', family: 'IPv4', cidr: '127.0.0.1/8' }],
	eth0: [{ address: '192.168.7.2', family: 'IPv4', cidr: '192.168.7.2/24' }],
	'br-tenant': [{ address: '10.201.0.1', family: 'IPv4', cidr: '10.201.0.1/24' }],
} as const
const elsewhere = '/ip4/10.77.0.11/tcp/4100/p2p/x'
const may = (host: string, port = 40_000, from = elsewhere) =>
	mayDial({ host, port }, from, structuredClone(interfaces) as unknown as NonNullable<Parameters<typeof mayDial>[2]>)

describe('a host that is asked to dial', () => {
	it('dials other machines, of its own network too', () => {
		for (const host of ['10.77.0.11', '192.168.7.3', '203.0.113.9', '2001:db8::1'])
			expect([host, may(host)]).toEqual([host, true])
	})

	it.each(['127.0.0.1', '::1', '0.0.0.0', '169.254.169.254', 'fe80::1', '224.0.0.1', '255.255.255.255'])(
		'never dials %s, whoever asks from elsewhere',
		(host) => expect(may(host)).toBe(false),
	)

	it('never dials itself, its containers, what is mapped to either, a name, or a port of a service', () => {
		for (const host of ['192.168.7.2', '10.201.0.5', '::ffff:10.201.0.5', '::ffff:127.0.0.1', 'metadata.internal'])
			expect([host, may(host)]).toEqual([host, false])
		expect(may('10.77.0.11', 22)).toBe(false)
	})

	it('dials loopback for who is on the same machine', () => {
		expect(may('127.0.0.1', 40_000, '/ip4/127.0.0.1/tcp/50000')).toBe(true)
	})
})
