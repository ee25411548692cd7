import type { SigningKey } from '../../agent/identity/index.ts'
import { Trust } from '../../agent/identity/index.ts'
import { entryOf } from '../../agent/membership/virtual-lattice.fixture.ts'
import { createPeer, Members, type MeshLog, WITH_MEMBERS } from '../../agent/mesh/index.ts'
import { now } from './contestant.ts'

/** The mesh of one agent as a process of its own; membership.ts starts it in a box and talks with it over IPC. */
export interface MemberStart {
	key: SigningKey
	certificate: string
	latticeId: string
	rootPublicKey: string
	issuer: string
	name: string
	ip: string
	known: { peerId: string; addresses: string[] }[]
}

export type MemberSays =
	| { kind: 'started'; addresses: string[] }
	/** what it knows: members alive, members not, connections */
	| { kind: 'state'; alive: number; missing: number; connected: number }
	| { kind: 'said'; value: number; at: number }
	| { kind: 'heard'; of: string; value: number; at: number }
	| { kind: 'lost'; of: string; at: number }

/** A number: announce it. */
export type MemberAsked = MemberStart | number

const STATE_MS = 250
const silent: MeshLog = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined }
/** When the bench is gone nobody listens, and this process is about to end. */
const say = (message: MemberSays) => process.connected && process.send?.(message, undefined, {}, () => undefined)

async function start({ key, certificate, latticeId, rootPublicKey, issuer, name, ip, known }: MemberStart) {
	const trust = new Trust({ latticeId, rootPublicKey })
	await trust.addIssuer(issuer)
	const peer = await createPeer({
		key,
		listen: [`/ip4/${ip}/tcp/4100`],
		relay: true,
		timeouts: WITH_MEMBERS,
		trust: () => trust,
		certificate: () => certificate,
		log: silent,
	})
	await peer.start()
	const {
		peerId: _peerId,
		incarnation: _incarnation,
		sequence: _sequence,
		...status
	} = entryOf(peer.peerId, 1, 1).status
	let value = 0
	const announce = () =>
		members.announce({
			...status,
			name,
			addresses: members.addresses(),
			relay: members.relays,
			allocated: { ...status.allocated, memoryBytes: value },
		})
	const members: Members = new Members({
		peer,
		key,
		trust,
		certificate: () => certificate,
		incarnation: Math.floor(Date.now() / 1000),
		known,
		log: silent,
		onReach: announce,
	})
	members.view.onChange(({ view }) => {
		if (view === null) return
		const { name: of, allocated } = view.status
		if (view.liveness === 'down') say({ kind: 'lost', of, at: now() })
		else say({ kind: 'heard', of, value: allocated.memoryBytes, at: now() })
	})
	members.start()
	announce()
	say({ kind: 'started', addresses: peer.addresses() })
	setInterval(() => {
		const views = members.view.list()
		const alive = views.filter(({ liveness }) => liveness === 'alive').length
		say({ kind: 'state', alive, missing: views.length - alive, connected: peer.connected().length })
	}, STATE_MS)
	return (next: number) => {
		value = next
		const at = now()
		announce()
		say({ kind: 'said', value, at })
	}
}

let tell: ((value: number) => void) | null = null
process.on('message', (asked: MemberAsked) => {
	if (typeof asked === 'number') tell?.(asked)
	else void start(asked).then((told) => (tell = told))
})
process.once('disconnect', () => process.exit(0))
