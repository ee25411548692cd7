import type { TLSSocket } from 'node:tls'
import type { DialGranted, SocketAddress } from '../../protocol/index.ts'
import type { DataCertificate } from './certificate.ts'
import { race } from './race.ts'
import { dialTls } from './tls.ts'

/** One address of several. A host that is there answers within a round trip or two. */
const ADDRESS_MS = 4_000
/** Between the addresses of one host. */
const STAGGER_MS = 50

/** Connections straight to a host's data port: the address that worked is tried first, with the session it gave. */
export class Direct {
	readonly #own: DataCertificate
	readonly #known = new Map<string, { address: SocketAddress; session: Buffer | undefined; pinned: string }>()

	constructor(own: DataCertificate) {
		this.#own = own
	}

	/** `hint`: the address by which libp2p reaches the host. */
	async dial(
		peerId: string,
		granted: Pick<DialGranted, 'addresses' | 'certificate'>,
		hint: string | null,
		signal: AbortSignal,
	): Promise<TLSSocket> {
		const known = this.#known.get(peerId)
		const { certificate: pinned } = granted
		const [first] = granted.addresses
		// A forwarded port that the host does not know of: the mesh came through, so may this.
		const hinted = first && hint ? [{ host: hint, port: first.port }] : []
		const candidates = ordered([...hinted, ...granted.addresses], known?.address ?? null)
		if (candidates.length === 0) throw new Error('the host names no address for its data port')
		const runners = candidates.map((address, index) => ({
			afterMs: index * STAGGER_MS,
			run: async (either: AbortSignal) => {
				const session = known?.pinned === pinned && sameAddress(known.address, address) ? known.session : undefined
				const within = AbortSignal.any([either, AbortSignal.timeout(ADDRESS_MS)])
				const onSession = (fresh: Buffer) => this.#known.set(peerId, { address, session: fresh, pinned })
				const socket = await dialTls(address, { own: this.#own, pinned, session, onSession, signal: within })
				const isKnown = known?.pinned === pinned && sameAddress(known.address, address)
				if (!isKnown && !this.#known.get(peerId)?.session) this.#known.set(peerId, { address, session, pinned })
				return socket
			},
		}))
		return race(runners, signal, (late) => late.destroy())
	}
}

/** Each once; the one that worked before all others. */
function ordered(addresses: SocketAddress[], known: SocketAddress | null): SocketAddress[] {
	const all = [...(known ? [known] : []), ...addresses]
	return all.filter((address, at) => all.findIndex((each) => sameAddress(each, address)) === at)
}

function sameAddress(a: SocketAddress, b: SocketAddress): boolean {
	return a.host === b.host && a.port === b.port
}
