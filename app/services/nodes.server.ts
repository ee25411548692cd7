import { z } from 'zod'
import { type Keyring, newInvite } from '../../agent/identity/index.ts'
import {
	Labels,
	LatticeError,
	type Member,
	type Node,
	nodeOf,
	nodesOf,
	type PeerPath,
	parseInput,
} from '../../agent/protocol/index.ts'
import type { Fleet } from '../fleet/fleet.ts'
import type { Database } from '../models/database.server.ts'
import { createInvite } from '../models/invite.server.ts'
import { workloadsOnHost } from '../models/workload.server.ts'
import type { AuditTrail } from './audit.server.ts'
import type { Departures } from './departures.server.ts'
import type { HostCommands } from './host-commands.server.ts'
import { leavingOf } from './leaving.ts'
import { NodeInput } from './node-inputs.ts'
import { pageOfNodes } from './node-page.ts'
import type { Actor, NodeDetail, NodePage, NodePageQuery, Nodes } from './services.ts'
import { maySee, viewOf } from './workload-view.server.ts'

const MAX_TTL_S = 30 * 86_400
/** A page does not wait longer for what is of interest only. */
const PATHS_TIMEOUT_MS = 2_000
/** The first agent of this machine starts right after the console. */
const LOCAL_TTL_S = 15 * 60

const InviteInput = z.strictObject({
	ttlSeconds: z.number().int().min(60, 'is at least a minute').max(MAX_TTL_S, 'is at most 30 days').default(3600),
	uses: z.number().int().min(1).max(1000).default(1),
	labels: Labels.default({}),
})
type InviteInput = z.infer<typeof InviteInput>

export interface NodesModules {
	database: Database
	latticeId: string
	keyring: Keyring
	fleet: Pick<Fleet, 'views' | 'view' | 'isCurrent' | 'isReachable' | 'members' | 'routes'>
	commands: Pick<HostCommands, 'result'>
	departures: Departures
	audit: AuditTrail
	log: { warn(facts: object, message: string): void }
}

export class NodeService implements Nodes {
	readonly #modules: NodesModules

	constructor(modules: NodesModules) {
		this.#modules = modules
	}

	/** Everybody sees the machines: the deploy form names each one with what speaks for and against it. */
	async list(_actor: Actor): Promise<Node[]> {
		return nodesOf(this.#modules.fleet.views())
	}

	async page(_actor: Actor, query: NodePageQuery): Promise<NodePage> {
		return pageOfNodes(this.#modules.fleet.views(), query)
	}

	async get(actor: Actor, input: unknown): Promise<NodeDetail> {
		const { fleet, database } = this.#modules
		const { peerId } = parseInput(NodeInput, input)
		const view = fleet.views().find(({ status }) => status.peerId === peerId)
		if (view === undefined)
			throw new LatticeError('NOT_FOUND', `There is no node ${peerId} in this lattice.`, { peerId })
		const [paths, records] = await Promise.all([this.#paths(actor, peerId), workloadsOnHost(database, peerId)])
		const visible = records.filter(({ ownerId }) => maySee(actor, ownerId))
		const leaving = leavingOf(records, peerId, (ownerId) => maySee(actor, ownerId))
		return { node: nodeOf(view), view, paths, workloads: visible.map((record) => viewOf(record, fleet)), leaving }
	}

	async #paths(actor: Actor, peerId: string): Promise<PeerPath[] | null> {
		const { fleet, commands, log } = this.#modules
		if (!fleet.isReachable(peerId)) return null
		try {
			const { peers } = await commands.result(actor.userId, peerId, { kind: 'peers' }, PATHS_TIMEOUT_MS)
			return peers
		} catch (thrown) {
			log.warn({ peer: peerId, code: LatticeError.from(thrown).code }, 'a node did not say how it reaches the others')
			return null
		}
	}

	async invite(
		actor: Actor,
		input: unknown,
	): Promise<{ token: string; inviteId: string; expiresAt: string; command: string }> {
		const { audit } = this.#modules
		const wanted = parseInput(InviteInput, input ?? {})
		const facts = { ...wanted, address: actor.address }
		const entry = { actor: actor.userId, via: actor.via, action: 'node.invite', subject: 'lattice', facts }
		return audit.around(entry, async () => {
			if (actor.role === 'member') {
				throw new LatticeError(
					'FORBIDDEN',
					'Only the owner and admins of this lattice invite machines. Ask one of them.',
				)
			}
			const addresses = this.#addresses().filter((address) => !isLoopback(address))
			if (addresses.length === 0) throw unreachableFromElsewhere()
			const { token, inviteId, expiresAt } = await this.#create(wanted, actor.userId, addresses)
			return { token, inviteId, expiresAt: expiresAt.toISOString(), command: `./lattice join ${token}` }
		})
	}

	remove(actor: Actor, input: unknown): Promise<void> {
		return this.#modules.departures.remove(actor, input)
	}

	/** For the agent that `./lattice up` starts beside this console. */
	async inviteLocalAgent(): Promise<string> {
		const { token } = await this.#create({ ttlSeconds: LOCAL_TTL_S, uses: 1, labels: {} }, null, this.#addresses())
		return token
	}

	#addresses(): string[] {
		return this.#modules.fleet.members().flatMap(dialable)
	}

	async #create(
		wanted: InviteInput,
		createdBy: string | null,
		addresses: string[],
	): Promise<{ token: string; inviteId: string; expiresAt: Date }> {
		const { database, latticeId, keyring } = this.#modules
		const invite = newInvite({ latticeId, addresses, ttlSeconds: wanted.ttlSeconds })
		const expiresAt = new Date(invite.expiresAt * 1000)
		const sealedKey = keyring.seal(invite.key, inviteAad(invite.inviteId))
		const { labels, uses } = wanted
		await createInvite(database, { id: invite.inviteId, sealedKey, labels, uses, expiresAt, createdBy })
		return { token: invite.token, inviteId: invite.inviteId, expiresAt }
	}
}

export function inviteAad(inviteId: string): string {
	return `invite:${inviteId}`
}

/** Of use on the machine itself only: elsewhere it leads to whoever listens there. */
function isLoopback(address: string): boolean {
	return /^\/(ip4\/127\.|ip6\/::1\/|dns[46]?\/localhost\/)/.test(address)
}

function unreachableFromElsewhere(): LatticeError {
	return new LatticeError(
		'NOT_READY',
		'No other machine can reach this lattice: it listens on loopback only. Start it without --mesh-listen on 127.0.0.1, or tell where it is reached with --announce ADDR.',
	)
}

/** A joiner authenticates whom it dials by the peer id in the address. */
function dialable({ peerId, addresses }: Member): string[] {
	const suffix = `/p2p/${peerId}`
	return (
		addresses
			// A relay carries nothing for a stranger.
			.filter((address) => !address.includes('/p2p-circuit'))
			.map((address) => (address.endsWith(suffix) ? address : `${address}${suffix}`))
	)
}
