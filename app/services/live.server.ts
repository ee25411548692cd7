import type { WorkloadEvent } from '../../agent/protocol/index.ts'
import { keyOf } from '../models/workload-event.server.ts'
import { CoalescingQueue } from './coalescing-queue.server.ts'
import type { Actor, Live, LiveEvent } from './services.ts'

interface Subscriber {
	sees: (ownerId: string | null) => boolean
	queue: CoalescingQueue<LiveEvent>
}

/** Tells browsers and API clients of this console what changes, as it changes. Nothing is kept for the absent. */
export class LiveBus implements Live {
	readonly #name: string
	readonly #subscribers = new Set<Subscriber>()
	readonly #timelines = new Map<string, Set<CoalescingQueue<WorkloadEvent>>>()

	/** `name` says to the browser which console it hears. */
	constructor(name: string) {
		this.#name = name
	}

	/** `ownerId` null: everybody may see it. */
	publish(event: LiveEvent, ownerId: string | null): void {
		const key = coalescingKey(event)
		for (const { sees, queue } of this.#subscribers) if (sees(ownerId)) queue.push(key, event)
		if (event.type !== 'event') return
		for (const queue of this.#timelines.get(event.event.workloadId) ?? []) queue.push(keyOf(event.event), event.event)
	}

	async *subscribe(actor: Actor, signal: AbortSignal): AsyncIterable<LiveEvent> {
		const seesAll = actor.role !== 'member'
		const subscriber: Subscriber = {
			sees: (ownerId) => seesAll || ownerId === null || ownerId === actor.userId,
			queue: new CoalescingQueue(signal),
		}
		this.#subscribers.add(subscriber)
		try {
			yield { type: 'hello', at: new Date().toISOString(), console: this.#name }
			yield* subscriber.queue
		} finally {
			this.#subscribers.delete(subscriber)
		}
	}

	/** Events of one workload from now on: listens from the call, so that a history read after it has no gap to it. */
	timeline(workloadId: string, signal: AbortSignal): AsyncIterable<WorkloadEvent> {
		const queue = new CoalescingQueue<WorkloadEvent>(signal)
		const queues = this.#timelines.get(workloadId) ?? new Set()
		this.#timelines.set(workloadId, queues.add(queue))
		signal.addEventListener(
			'abort',
			() => {
				queues.delete(queue)
				if (queues.size === 0) this.#timelines.delete(workloadId)
			},
			{ once: true },
		)
		return queue
	}

	get subscribers(): number {
		return this.#subscribers.size
	}
}

function coalescingKey(event: LiveEvent): string {
	switch (event.type) {
		case 'workload':
			return `workload:${event.workload.id}`
		// Not the workload's key: a reader must not lose the last state of what was removed and made again.
		case 'removed':
			return `removed:${event.workloadId}`
		case 'event':
			return `event:${event.event.workloadId}:${keyOf(event.event)}`
		case 'alerts':
			return `alerts:${event.id}`
		case 'node':
			return `node:${event.node.peerId}`
		case 'join':
			return `join:${event.inviteId}:${event.peerId}:${event.step}`
		case 'hello':
			return 'hello'
	}
}
