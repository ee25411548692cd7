import type { NetworkInterfaceInfo } from 'node:os'
import { expect, test } from 'vitest'
import { announceable, isThisMachine, socketOf } from './own-addresses.ts'

const at = (address: string): NetworkInterfaceInfo[] => [
	{ address, netmask: '', family: 'IPv4', mac: '', internal: false, cidr: null },
]
const INTERFACES = {
	lo: at('127.0.0.1'),
	docker0: at('172.17.0.1'),
	'br-0123456789ab': at('172.18.0.1'),
	br0: at('10.0.0.5'),
	tailscale0: at('100.64.0.7'),
	eth0: at('192.168.1.10'),
}

test('what a container bridge, a cable of a container or a link alone knows is not announced', () => {
	const listening = ['127.0.0.1', '172.17.0.1', '172.18.0.1', '169.254.3.4', '10.0.0.5', '100.64.0.7', '192.168.1.10']
	const announced = announceable(
		[...listening.map((ip) => `/ip4/${ip}/tcp/4100`), '/ip6/fe80::1/tcp/4100', '/ip6/2001:db8::1/tcp/4100'],
		INTERFACES,
	)
	expect(announced).toEqual([
		'/ip4/10.0.0.5/tcp/4100',
		'/ip4/100.64.0.7/tcp/4100',
		'/ip4/192.168.1.10/tcp/4100',
		'/ip6/2001:db8::1/tcp/4100',
		'/ip4/127.0.0.1/tcp/4100',
	])
})

test('whoever is on this machine is known by its address', () => {
	expect(isThisMachine('/ip4/192.168.1.10/tcp/5000/p2p/x', INTERFACES)).toBe(true)
	expect(isThisMachine('/ip4/192.168.1.11/tcp/5000/p2p/x', INTERFACES)).toBe(false)
	expect(socketOf('/ip4/192.168.1.10/tcp/4100/p2p/x')).toBe('/ip4/192.168.1.10/tcp/4100')
	expect(socketOf('/dns4/a.example/tcp/4100')).toBeNull()
})
