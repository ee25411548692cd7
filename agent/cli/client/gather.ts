import type { Directory } from '../../commands/directory.ts'
import type { Peer } from '../../mesh/index.ts'
import { LatticeError, type Member } from '../../protocol/index.ts'
import { hashName, rendezvousWeight } from '../../scheduler/rendezvous.ts'

/** How long members get to be dialled, to admit this device and to tell what they hold. */
const GATHER_MS = 5_000

/**
 * Connects to every member that answers and reads what each agent says of itself into the directory, which then stays
 * up to date until `signal` aborts. Members that do not answer in time are left out; with none at all it fails.
 */
export async function gather(peer: Peer, members: Member[], directory: Directory, signal: AbortSignal): Promise<void> {
	const late = Promise.withResolvers<void>()
	const timer = setTimeout(late.resolve, GATHER_MS)
	const failures: LatticeError[] = []
	const all = members.map(async (member) => {
		try {
			await peer.dial(member)
			await firstSync(peer, member.peerId, directory, signal)
		} catch (error) {
			failures.push(LatticeError.from(error))
		}
	})
	await Promise.race([Promise.all(all), late.promise])
	clearTimeout(timer)
	if (directory.nodes().length > 0) return
	// What admission said ("your certificate has expired") helps more than that nobody was there.
	const refusal = failures.find((failure) => failure.code !== 'HOST_UNREACHABLE' && failure.code !== 'TIMEOUT')
	if (refusal) throw refusal
	throw new LatticeError('HOST_UNREACHABLE', `None of the ${members.length} members that this device knows answers.`, {
		members: members.map(({ name }) => name),
	})
}

/** Resolves at the end of the snapshot; a console hosts nothing and is only a peer to ask for claims. */
async function firstSync(peer: Peer, peerId: string, directory: Directory, signal: AbortSignal): Promise<void> {
	const role = peer.connected().find((connection) => connection.peerId === peerId)?.certificate.role
	if (role !== 'agent') return
	const synced = Promise.withResolvers<void>()
	void (async () => {
		try {
			for await (const frame of peer.watch(peerId, { signal })) {
				directory.apply(peerId, frame)
				if (frame.type === 'synced') synced.resolve()
			}
		} catch (error) {
			directory.judge(peerId, 'down', null)
			synced.reject(error)
		}
	})()
	await synced.promise
}

/** Who reserves names: the console while it is a peer, else the agent first in rendezvous order. */
export function claimerOf(peer: Peer, key: string): string {
	const connected = peer.connected()
	const console = connected.find(({ certificate }) => certificate.role === 'console')
	if (console) return console.peerId
	const order = hashName(key)
	const weight = (peerId: string) => rendezvousWeight(order, hashName(peerId))
	const agents = connected.filter(({ certificate }) => certificate.role === 'agent').map(({ peerId }) => peerId)
	const [first] = agents.sort((a, b) => weight(b) - weight(a))
	if (!first) throw new LatticeError('HOST_UNREACHABLE', 'No agent is connected any more; try again.')
	return first
}
