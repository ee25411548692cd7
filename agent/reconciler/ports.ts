import { createServer } from 'node:net'
import { LatticeError } from '../protocol/index.ts'
import type { PortBinding } from '../store/assignments.ts'
import type { OpenAssignment } from '../store/workloads.ts'

/**
 * Host ports for every declared port of a replica. The range lies below Linux' ephemeral one (32768…), so that an
 * outgoing connection never sits on a workload's port, and above the well-known services.
 */
export const HOST_PORTS = { from: 20_000, to: 29_999 } as const

export async function allocatePorts(
	open: Pick<OpenAssignment, 'template' | 'config'>,
	bindings: { kind: PortBinding['kind']; address: string }[],
	taken: ReadonlySet<number>,
	random: () => number = Math.random,
): Promise<PortBinding[]> {
	const mine = new Set<number>()
	const ports: PortBinding[] = []
	for (const declared of open.template.ports(open.config)) {
		const port = await freePort(
			bindings.map((binding) => binding.address),
			(p) => taken.has(p) || mine.has(p),
			random,
		)
		mine.add(port)
		for (const binding of bindings) {
			ports.push({
				container: declared.container,
				protocol: declared.protocol,
				kind: binding.kind,
				address: binding.address,
				port,
			})
		}
	}
	return ports
}

async function freePort(
	addresses: string[],
	isTaken: (port: number) => boolean,
	random: () => number,
): Promise<number> {
	const span = HOST_PORTS.to - HOST_PORTS.from + 1
	const start = Math.floor(random() * span)
	for (let step = 0; step < span; step++) {
		const port = HOST_PORTS.from + ((start + step) % span)
		if (isTaken(port)) continue
		const free = await Promise.all(addresses.map((address) => canListen(address, port)))
		if (free.every(Boolean)) return port
	}
	throw new LatticeError(
		'NODE_REFUSED',
		`No host port between ${HOST_PORTS.from} and ${HOST_PORTS.to} is free on this node.`,
	)
}

function canListen(address: string, port: number): Promise<boolean> {
	return new Promise((resolve) => {
		const server = createServer()
		server.once('error', () => resolve(false))
		server.listen({ host: address, port, exclusive: true }, () => server.close(() => resolve(true)))
	})
}
