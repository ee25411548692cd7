import { capture, run } from './command.ts'
import { makeNetwork, netnsName, netOnly, setSysctl } from './namespaces.ts'
import type { HostState, LabState } from './state.ts'

/**
 * One bridge in a namespace of its own is the lab's Ethernet switch, so no rule, bridge or route of the machine is
 * touched. The machine gets one port, `outside`, to reach the hosts.
 */
export const SWITCH = 'switch'
export const OUTSIDE = 'outside'
const BRIDGE = 'br0'

export const switchAddress = (subnet: number) => `10.77.${subnet}.1`
const outsideAddress = (subnet: number) => `10.77.${subnet}.254`
export const hostAddress = (subnet: number, index: number) => `10.77.${subnet}.${10 + index}`

/** The same behind every router, as in homes: an address that says nothing about who is reached. */
export const PRIVATE_ADDRESS = '192.168.77.2'
const ROUTER_PRIVATE_ADDRESS = '192.168.77.1'
export const routerOf = (host: string) => `${host}-nat`

/** `ip -batch` in one namespace: one process for many changes. */
async function ip(lab: string, name: string, lines: readonly string[]): Promise<void> {
	await run('ip', ['-n', netnsName(lab, name), '-batch', '-'], { input: `${lines.join('\n')}\n` })
}

export async function makeSwitch({ id, subnet }: LabState): Promise<void> {
	await makeNetwork(id, SWITCH)
	await ip(id, SWITCH, [
		`link add ${BRIDGE} type bridge forward_delay 0`,
		`addr add ${switchAddress(subnet)}/24 dev ${BRIDGE}`,
		`link set ${BRIDGE} up`,
		// it is the hosts' default route, and answers at once that there is no internet
		'route add unreachable default',
	])
	await setSysctl(id, SWITCH, 'net/ipv4/ip_forward', '1')
	// … each time: a resolver asks often, and would wait where the answer was held back
	await setSysctl(id, SWITCH, 'net/ipv4/icmp_ratelimit', '0')
	// makes bridged packets pass iptables, where links are cut (links.ts)
	await setSysctl(id, SWITCH, 'net/bridge/bridge-nf-call-iptables', '1')
	const ours = `lattice-lab${subnet}`
	await run('ip', ['link', 'add', ours, 'type', 'veth', 'peer', 'name', OUTSIDE, 'netns', netnsName(id, SWITCH)])
	await ip(id, SWITCH, [`link set ${OUTSIDE} master ${BRIDGE} up`])
	await run('ip', ['addr', 'add', `${outsideAddress(subnet)}/24`, 'dev', ours])
	await run('ip', ['link', 'set', ours, 'up'])
}

/** At once; the end of a namespace takes its cables along only later, when the next lab may want the same name. */
export async function unplugOutside(lab: string): Promise<void> {
	await capture('ip', ['-n', netnsName(lab, SWITCH), 'link', 'del', OUTSIDE])
}

/** The port of a host on the switch carries the host's name, also when its router stands between. */
export async function plugIn(lab: LabState, host: HostState): Promise<void> {
	await makeNetwork(lab.id, host.name)
	if (!host.nat) {
		await cable(lab, host.name, 'eth0', host.name)
		await addressed(lab.id, host.name, 'eth0', host.ip, switchAddress(lab.subnet))
		return
	}
	const router = routerOf(host.name)
	await makeNetwork(lab.id, router)
	await cable(lab, router, 'wan', host.name)
	await addressed(lab.id, router, 'wan', host.ip, switchAddress(lab.subnet))
	await run('ip', [
		...['link', 'add', 'lan', 'netns', netnsName(lab.id, router), 'type', 'veth'],
		...['peer', 'name', 'eth0', 'netns', netnsName(lab.id, host.name)],
	])
	await ip(lab.id, router, [`addr add ${ROUTER_PRIVATE_ADDRESS}/24 dev lan`, 'link set lan up'])
	await addressed(lab.id, host.name, 'eth0', PRIVATE_ADDRESS, ROUTER_PRIVATE_ADDRESS)
	await setSysctl(lab.id, router, 'net/ipv4/ip_forward', '1')
	await restoreRules(lab.id, router, NAT_RULES)
}

/** Out is translated and remembered; in is answers only, to the router itself, too. */
const NAT_RULES = `*nat
-A POSTROUTING -o wan -j MASQUERADE
COMMIT
*filter
:INPUT DROP
:FORWARD DROP
-A INPUT -i lo -j ACCEPT
-A INPUT -i lan -j ACCEPT
-A INPUT -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT
-A FORWARD -i lan -o wan -j ACCEPT
-A FORWARD -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT
COMMIT
`

/** Replaces the tables and chains that `rules` names, in one transaction a table. */
export async function restoreRules(lab: string, name: string, rules: string): Promise<void> {
	await run('nsenter', [`--net=${netOnly(lab, name).net}`, 'iptables-restore', '--wait'], { input: rules })
}

async function cable(lab: LabState, name: string, device: string, port: string): Promise<void> {
	await run('ip', [
		...['link', 'add', device, 'netns', netnsName(lab.id, name), 'type', 'veth'],
		...['peer', 'name', port, 'netns', netnsName(lab.id, SWITCH)],
	])
	await ip(lab.id, SWITCH, [`link set ${port} master ${BRIDGE} up`])
}

async function addressed(lab: string, name: string, device: string, address: string, gateway: string): Promise<void> {
	// the lab's links speak IPv4 only, so that a cut link has no second way; ::1 stays
	await setSysctl(lab, name, `net/ipv6/conf/${device}/disable_ipv6`, '1')
	await ip(lab, name, [
		`addr add ${address}/24 dev ${device}`,
		`link set ${device} up`,
		`route add default via ${gateway}`,
	])
}
