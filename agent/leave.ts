import { setTimeout as delay } from 'node:timers/promises'
import { AgentHome } from './home.ts'
import { createPeer, Members } from './mesh/index.ts'
import { LatticeError } from './protocol/index.ts'
import { Standing } from './standing.ts'
import { Assignments } from './store/assignments.ts'
import { Database } from './store/database.ts'

export interface Left {
	name: string
	/** workloads whose containers are still here */
	abandoned: string[]
}

/** Members get this long to be dialled. */
const FIND_MS = 5_000
/** What was handed over travels on from those who have it. */
const SPREAD_MS = 500

const quiet = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined }

/**
 * Says to the lattice, signed, that this node leaves for good, and then forgets its identity: the folder can join again
 * as a new node. The agent of this home must not run. Without `force` it is refused while workloads are here and when
 * nobody can be told.
 */
export async function leaveLattice(homePath: string, { force }: { force: boolean }): Promise<Left> {
	const home = new AgentHome(homePath)
	const standing = new Standing(home)
	await standing.load()
	const db = new Database(home.storePath)
	try {
		const held = new Assignments(db).all().filter(({ desired }) => desired !== 'deleted')
		const abandoned = held.map(({ name }) => name)
		if (abandoned.length > 0 && !force) {
			throw new LatticeError(
				'WRONG_STATE',
				`This node still holds ${abandoned.join(', ')}; delete them first, or leave with --force and lose them.`,
				{ workloads: abandoned },
			)
		}
		const name = await tell(home, standing, db.next('incarnation'), force)
		home.retire()
		return { name, abandoned }
	} finally {
		db.close()
	}
}

async function tell(home: AgentHome, standing: Standing, incarnation: number, force: boolean): Promise<string> {
	const key = home.key()
	const { trust } = standing
	const certificate = () => standing.certificate
	const peer = await createPeer({ key, listen: [], trust: () => trust, certificate, log: quiet })
	const members = new Members({ peer, key, trust, certificate, incarnation, log: quiet })
	try {
		await peer.start()
		members.start()
		const dials = standing.members.map((member) => peer.dial(member))
		await Promise.race([Promise.allSettled(dials), delay(FIND_MS, null, { ref: false })])
		const hearers = peer.connected().filter(({ certificate: { role } }) => role !== 'device')
		if (hearers.length === 0 && !force) {
			throw new LatticeError(
				'HOST_UNREACHABLE',
				'No member of the lattice answers, so nobody would know; try again, or leave with --force.',
			)
		}
		await members.leave()
		await delay(SPREAD_MS)
		return (await standing.claims(peer.peerId).catch(() => null))?.name ?? peer.peerId
	} finally {
		members.stop()
		await peer.stop()
	}
}
