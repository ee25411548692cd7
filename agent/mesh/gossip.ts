import { type GossipSub, gossipsub, TopicValidatorResult } from '@libp2p/gossipsub'
import { GossipMessage, LIMITS } from '../protocol/index.ts'
import type { Ground } from './door.ts'
import type { MemberMessage, Receive, Verdict } from './member-transport.ts'
import { Quota } from './quota.ts'

/** A status with its certificate, escaped into JSON. */
const MESSAGE_BYTES = 2 * LIMITS.recordBytes
/** Of one author. Statuses are debounced to ten a second; a node that sees half a lattice vanish doubts them all at once. */
const QUOTA = { perSecond: 20, burst: 256 }

const VERDICTS: Record<Verdict, TopicValidatorResult> = {
	accept: TopicValidatorResult.Accept,
	ignore: TopicValidatorResult.Ignore,
	reject: TopicValidatorResult.Reject,
}

export function topicOf(latticeId: string): string {
	return `/lattice/members/1.0.0/${latticeId}`
}

/** gossipsub as this lattice needs it; `node.ts` puts it behind the check of admission. */
export function gossipService(): ReturnType<typeof gossipsub> {
	return gossipsub({
		globalSignaturePolicy: 'StrictSign',
		emitSelf: false,
		// The first node of a lattice has nobody to tell.
		allowPublishToZeroTopicPeers: true,
		runOnLimitedConnection: true,
		doPX: false,
		maxInboundDataLength: MESSAGE_BYTES,
		// More than ten peers behind one address (a lab, a NAT, a relay) would be taken for one attacker with many faces
		// and silently muted: 100 nodes on loopback lost 1308 of 1980 deliveries. Here admission knows who is who.
		scoreParams: { IPColocationFactorWeight: 0 },
		// A full mesh needs no lists of what was seen (IHAVE), 1.2 kB/s when idle: what gossip loses, the next answer to a
		// probe shows (agent/membership), and a snapshot brings.
		Dlazy: 0,
		gossipFactor: 0,
		// An own message goes to the mesh, not to all; two hops more cost milliseconds, 24 copies cost bytes.
		floodPublish: false,
	})
}

/** The topic of the lattice: who may speak on it, how much, and what is passed on. */
export class Gossip {
	readonly #ground: Ground
	readonly #pubsub: GossipSub
	readonly #quota = new Quota(QUOTA)

	constructor(ground: Ground, pubsub: GossipSub) {
		this.#ground = ground
		this.#pubsub = pubsub
	}

	open(latticeId: string, receive: Receive): () => void {
		const topic = topicOf(latticeId)
		this.#pubsub.topicValidators.set(topic, async (source, message) => {
			// StrictSign has checked the signature with the key that is the author's id.
			if (message.type !== 'signed') return TopicValidatorResult.Reject
			const author = message.from.toString()
			if (!this.#quota.take(author)) {
				this.#ground.log.warn({ peer: author }, 'a member floods the topic; its messages are dropped')
				return TopicValidatorResult.Ignore
			}
			const decoded = decode(message.data)
			if (decoded === null) {
				this.#ground.log.debug(
					{ peer: author, via: source.toString() },
					'a message of the topic is not understood here',
				)
				return TopicValidatorResult.Ignore
			}
			return VERDICTS[await receive(author, decoded)]
		})
		this.#pubsub.subscribe(topic)
		return () => {
			this.#pubsub.unsubscribe(topic)
			this.#pubsub.topicValidators.delete(topic)
		}
	}

	async publish(latticeId: string, message: MemberMessage): Promise<void> {
		await this.#pubsub.publish(topicOf(latticeId), Buffer.from(JSON.stringify(message)))
	}
}

function decode(data: Uint8Array): GossipMessage | null {
	try {
		const parsed = GossipMessage.safeParse(JSON.parse(Buffer.from(data).toString('utf8')))
		// A newer version may say what this one does not know: not passed on here, and held against nobody.
		return parsed.success ? parsed.data : null
	} catch (thrown) {
		if (thrown instanceof SyntaxError) return null
		throw thrown
	}
}
