import { expect, it } from 'vitest'
import { announced, atPort, portOf } from './mesh-addresses.ts'

it('announces addresses and names at the port of the mesh, and multiaddrs as they are', () => {
	const given = ['203.0.113.7', '2001:db8::7', 'home.example.org', '/dns4/x.example/tcp/7000']
	expect(announced(given, 4100)).toEqual([
		'/ip4/203.0.113.7/tcp/4100',
		'/ip6/2001:db8::7/tcp/4100',
		'/dns/home.example.org/tcp/4100',
		'/dns4/x.example/tcp/7000',
	])
	expect(() => announced(['http://x'], 4100)).toThrow(/--announce: http:\/\/x is no address/)
})

it('moves addresses to another port, once each', () => {
	const given = ['/ip4/0.0.0.0/tcp/4100', '/ip4/0.0.0.0/tcp/4102']
	expect(atPort(given, 4101)).toEqual(['/ip4/0.0.0.0/tcp/4101'])
	expect(portOf(given)).toBe(4100)
})
