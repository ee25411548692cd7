import type { Libp2p } from 'libp2p'
import {
	generateKey,
	issueDevice,
	keyFromSeed,
	peerIdOf,
	type SigningKey,
	signGrant,
	type Trust,
} from '../identity/index.ts'
import { ALICE, type LatticeFixture, latticeFixture } from '../identity/lattice.fixture.ts'
import type { Command, CommandRequest } from '../protocol/index.ts'
import { createPeerOnNode } from './create-peer.ts'
import type { MeshLog, MeshTimeouts, Peer } from './index.ts'

const LOOPBACK = '/ip4/127.0.0.1/tcp/0'
const silent: MeshLog = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined }

export interface TestPeer {
	peer: Peer
	/** what is beneath it */
	node: Libp2p
	key: SigningKey
	/** what the peer is given; a test may change it, as enrolment or renewal does */
	enrolment: { trust: Trust | null; certificate: string | null }
	/** as another peer dials it */
	member: { peerId: string; addresses: string[] }
}

interface Wanted {
	key?: SigningKey
	certificate?: string | null
	listen?: string[]
	relay?: boolean
	gateway?: boolean
	timeouts?: Partial<MeshTimeouts>
	now?: () => number
	log?: MeshLog
}

/** Real peers on loopback; `stop` ends whatever was started. */
export class Peers {
	readonly lattice: LatticeFixture
	readonly #started: Peer[] = []

	private constructor(lattice: LatticeFixture) {
		this.lattice = lattice
	}

	static async create(): Promise<Peers> {
		return new Peers(await latticeFixture())
	}

	async stop(): Promise<void> {
		await Promise.all(this.#started.splice(0).map((peer) => peer.stop()))
	}

	async member(name: string, role: 'agent' | 'console' = 'agent', wanted: Wanted = {}): Promise<TestPeer> {
		const { key, certificate } = await this.lattice.member(name, role, wanted.gateway)
		return this.#start({ key, certificate, ...wanted }, await this.lattice.trust(wanted.now))
	}

	/** The CLI: a device certificate, and nothing that listens. */
	async client(): Promise<TestPeer> {
		const key = generateKey()
		const about = { latticeId: this.lattice.latticeId, user: ALICE, version: 1, publicKey: key.publicKey }
		const certificate = await issueDevice(this.lattice.issuer, about)
		return this.#start({ key, certificate, listen: [] }, await this.lattice.trust())
	}

	async stranger(wanted: Wanted = {}): Promise<TestPeer> {
		return this.#start(wanted, null)
	}

	/** An order of Alice's for that peer. */
	async order(audience: string, command: Command = { kind: 'list' }): Promise<CommandRequest> {
		const { jwt: credential, seed } = await this.lattice.token()
		return { credential, grant: await signGrant({ credential, key: keyFromSeed(seed), command, audience }), command }
	}

	async #start(wanted: Wanted, trust: Trust | null): Promise<TestPeer> {
		const key = wanted.key ?? generateKey()
		const enrolment: TestPeer['enrolment'] = { trust, certificate: wanted.certificate ?? null }
		const { peer, node } = await createPeerOnNode({
			key,
			listen: wanted.listen ?? [LOOPBACK],
			relay: wanted.relay ?? false,
			trust: () => enrolment.trust,
			certificate: () => enrolment.certificate,
			log: wanted.log ?? silent,
			...(wanted.timeouts ? { timeouts: wanted.timeouts } : {}),
		})
		this.#started.push(peer)
		await peer.start()
		const member = { peerId: peerIdOf(key.publicKey), addresses: peer.addresses() }
		return { peer, node, key, member, enrolment }
	}
}
