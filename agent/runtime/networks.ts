import { networkInterfaces } from 'node:os'
import type Dockerode from 'dockerode'
import { LatticeError } from '../protocol/index.ts'
import type { EngineConnection } from './engine-connection.ts'
import { isRefusal, refused } from './engine-errors.ts'
import { freeSubnet } from './subnets.ts'

/** Another process may take the same subnet between our look and our create; each try looks again. */
const TRIES = 20

const BRIDGE_OPTIONS = {
	// replicas of one tenant reach each other; bridges of different tenants are kept apart by the engine
	'com.docker.network.bridge.enable_icc': 'true',
	// a port that is published without an address, by whatever mistake, stays on this machine
	'com.docker.network.bridge.host_binding_ipv4': '127.0.0.1',
}

/** One bridge a tenant. The engine allows two networks of one name, so making and removing take turns here. */
export class Networks {
	readonly #engine: EngineConnection
	#turn: Promise<unknown> = Promise.resolve()
	/** seen there, and not removed by us */
	readonly #present = new Set<string>()

	constructor(engine: EngineConnection) {
		this.#engine = engine
	}

	async ensure(name: string, labels: Record<string, string>): Promise<void> {
		if (this.#present.has(name)) return
		await this.#inTurn(async () => {
			await this.#ensure(name, labels)
			this.#present.add(name)
		})
	}

	remove(name: string): Promise<boolean> {
		this.#present.delete(name)
		return this.#inTurn(async () => {
			const isGone = await this.#remove(name)
			if (isGone) this.#present.delete(name)
			return isGone
		})
	}

	forget(name: string): void {
		this.#present.delete(name)
	}

	#inTurn<T>(work: () => Promise<T>): Promise<T> {
		const result = this.#turn.then(work)
		this.#turn = result.catch(() => undefined)
		return result
	}

	async #ensure(name: string, labels: Record<string, string>): Promise<void> {
		const refusedSubnets: string[] = []
		for (let attempt = 0; attempt < TRIES; attempt++) {
			const networks = await this.#all()
			if (networks.some((network) => network.Name === name)) return
			const subnet = freeSubnet([...usedSubnets(networks), ...hostSubnets(), ...refusedSubnets])
			if (subnet === null) throw noSubnet()
			try {
				const { Id } = await this.#engine.request<{ Id: string }>({
					method: 'POST',
					path: '/networks/create',
					body: {
						Name: name,
						CheckDuplicate: true,
						Driver: 'bridge',
						Labels: labels,
						Options: BRIDGE_OPTIONS,
						IPAM: { Driver: 'default', Config: [{ Subnet: subnet }] },
					},
				})
				await this.#settle(name, Id)
				return
			} catch (error) {
				// the name: someone else made it, the next look finds it
				if (isRefusal(error, 409)) continue
				if (!isRefusal(error, 400, 403, 500) || !/overlap|conflicts? with/i.test(error.reason)) {
					throw refused(error, `create the network ${name}`)
				}
				refusedSubnets.push(subnet)
			}
		}
		throw noSubnet()
	}

	/** Two processes that made the name at the same instant both see both, and both keep the one with the lower id. */
	async #settle(name: string, id: string): Promise<void> {
		const same = (await this.#all()).filter((network) => network.Name === name).map((network) => network.Id)
		const keep = same.sort()[0]
		if (same.length > 1 && keep !== id) await this.#delete(id)
	}

	async #remove(name: string): Promise<boolean> {
		const networks = (await this.#all()).filter((network) => network.Name === name)
		for (const { Id } of networks) {
			// Stopped containers count: the engine would let the network go, and they could never start again.
			const users = await this.#engine.request<unknown[]>({
				path: '/containers/json',
				query: { all: true, filters: { network: [Id] } },
			})
			if (users.length > 0 || !(await this.#delete(Id))) return false
		}
		return true
	}

	async #delete(id: string): Promise<boolean> {
		try {
			await this.#engine.request({ method: 'DELETE', path: `/networks/${id}` })
			return true
		} catch (error) {
			if (isRefusal(error, 404)) return true
			if (isRefusal(error, 403, 409)) return false
			throw refused(error, `remove the network ${id}`)
		}
	}

	#all(): Promise<Dockerode.NetworkInspectInfo[]> {
		return this.#engine.request({ path: '/networks' })
	}
}

function usedSubnets(networks: Dockerode.NetworkInspectInfo[]): string[] {
	return networks.flatMap((network) => (network.IPAM?.Config ?? []).flatMap(({ Subnet }) => (Subnet ? [Subnet] : [])))
}

/** The engine checks an explicit subnet against its own networks only; a LAN or VPN with the same range would be cut off. */
function hostSubnets(): string[] {
	return Object.values(networkInterfaces()).flatMap((addresses) => (addresses ?? []).flatMap(({ cidr }) => cidr ?? []))
}

function noSubnet(): LatticeError {
	return new LatticeError(
		'NODE_REFUSED',
		'No subnet is free for another tenant on this node; remove networks that are unused (docker network prune).',
	)
}
