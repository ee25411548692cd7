import { once } from 'node:events'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { authorityOfBearer } from '../../commands/authority.ts'
import { Directory } from '../../commands/directory.ts'
import { joinBearer } from '../../identity/grants.ts'
import { ALICE } from '../../identity/lattice.fixture.ts'
import { Peers, type TestPeer } from '../../mesh/peers.fixture.ts'
import { LatticeError } from '../../protocol/index.ts'
import { Changes } from '../../store/changes.ts'
import type { DialAuthority, DialTarget } from '../dialer.ts'
import { type HostPlane, type HostPlaneModules, hostDataPlane } from './host-plane.ts'

export const WORKLOAD = 'w_00000000000000000001'
export const OTHERS_WORKLOAD = 'w_00000000000000000002'
export const silent = { debug: () => undefined }

export interface TestNode {
	node: TestPeer
	plane: HostPlane
	changes: Changes
	/** what the owner exposes by; a test may change it */
	expose: string[]
	status: { now: string }
	/** kinds and codes of what it refused */
	refused: string[]
}

/** Real peers, real TLS and real sockets on loopback; behind them a server in place of a container, and no engine. */
export class PlaneGround {
	readonly peers: Peers
	readonly server: Server
	/** of the server, newest last */
	readonly accepted: Socket[] = []
	readonly #planes: HostPlane[] = []

	private constructor(peers: Peers, server: Server) {
		this.peers = peers
		this.server = server
		server.on('connection', (socket) => this.accepted.push(socket))
	}

	static async create(serve: (socket: Socket) => void = (socket) => socket.pipe(socket)): Promise<PlaneGround> {
		const server = createServer({ allowHalfOpen: true }, (socket) => {
			socket.on('error', () => socket.destroy())
			serve(socket)
		})
		server.listen(0, '127.0.0.1')
		await once(server, 'listening')
		return new PlaneGround(await Peers.create(), server)
	}

	get port(): number {
		return (this.server.address() as AddressInfo).port
	}

	target(peerId: string, change: Partial<DialTarget> = {}): DialTarget {
		return { peerId, workloadId: WORKLOAD, replica: 0, container: this.port, ...change }
	}

	/** `hidden`: it tells nobody an address of its data port, as behind a NAT. */
	async node(name: string, options: { hidden?: boolean; gateway?: boolean } = {}): Promise<TestNode> {
		return this.#plane(await this.peers.member(name, 'agent', { gateway: options.gateway ?? false }), options)
	}

	/** The data plane of that node, begun anew. */
	again({ node }: TestNode): Promise<TestNode> {
		return this.#plane(node, {})
	}

	async #plane(node: TestPeer, options: { hidden?: boolean }): Promise<TestNode> {
		const { trust } = node.enrolment
		if (trust === null) throw new Error('a member without trust')
		const changes = new Changes()
		const spent = new Set<string>()
		const expose = ['gateway']
		const status = { now: 'running' }
		const refused: string[] = []
		const row = (replica: number) => ({
			workloadId: WORKLOAD,
			index: replica,
			containerId: 'c1',
			status: status.now,
			ports: [],
		})
		const assignments = {
			get: (id: string) =>
				id === WORKLOAD || id === OTHERS_WORKLOAD
					? { workloadId: id, name: 'db', owner: id === WORKLOAD ? ALICE.id : 'u_other', desired: 'running' }
					: null,
			replicas: () => [row(0)],
		}
		const modules = {
			peer: options.hidden ? new Proxy(node.peer, { get: (peer, key) => hiding(peer, key) }) : node.peer,
			certificate: await trust.verifyMembership(node.enrolment.certificate ?? '', { peerId: node.peer.peerId }),
			trust: () => trust,
			journal: {
				spendGrant(jti: string) {
					if (spent.has(jti)) throw new LatticeError('GRANT_REPLAYED', 'used before')
					spent.add(jti)
				},
			},
			runtime: { inspect: async () => ({ address: '127.0.0.1' }) },
			assignments,
			workloads: {
				open: () => ({ config: {}, template: { ports: () => [{ container: this.port }], expose: () => expose } }),
			},
			changes,
			directory: new Directory(null),
			onRefused: ({ error }: { error: LatticeError }) => refused.push(error.code),
			log: silent,
			// The parts of store and runtime that the plane asks for, and no more.
		} as unknown as HostPlaneModules
		const plane = hostDataPlane({ listen: ['/ip4/127.0.0.1/tcp/0'], port: 0 }, modules)
		this.#planes.push(plane)
		await plane.start()
		return { node, plane, changes, expose, status, refused }
	}

	/** Alice's own word, or a stranger's. */
	async user(name: 'alice' | 'bob' = 'alice'): Promise<DialAuthority> {
		const { lattice } = this.peers
		const token = await lattice.token(name === 'alice' ? ALICE : { ...ALICE, id: 'u_bob', role: 'admin' })
		return {
			kind: 'user',
			authority: await authorityOfBearer(await lattice.trust(), joinBearer(token.jwt, token.seed)),
		}
	}

	async stop(): Promise<void> {
		for (const plane of this.#planes) plane.stop()
		await this.peers.stop()
		for (const socket of this.accepted) socket.destroy()
		this.server.close()
	}
}

function hiding(peer: TestPeer['peer'], key: string | symbol): unknown {
	if (key === 'addresses') return () => []
	const member: unknown = Reflect.get(peer, key, peer)
	return typeof member === 'function' ? member.bind(peer) : member
}
