import type { CommandFrame } from '../protocol/index.ts'
import type { Change } from '../store/changes.ts'
import type { Events } from '../store/events.ts'
import { frameOf, type Journal } from '../store/journal.ts'

/** The timeline so far, then live, until the journal has the outcome. */
export async function* followOrder(
	{ journal, events }: { journal: Journal; events: Events },
	{ commandId, workloadId }: { commandId: string; workloadId: string },
	following: AsyncIterable<Change>,
): AsyncIterable<CommandFrame> {
	let seen = 0
	for (const event of events.of(workloadId)) {
		if (event.commandId !== commandId && event.phase !== 'placed') continue
		seen = event.seq
		yield { type: 'event', event }
	}
	const settled = () => journal.find(commandId)?.outcome ?? null
	const first = settled()
	if (first) {
		yield frameOf(first)
		return
	}
	for await (const change of following) {
		if (change.kind === 'event' && change.event.workloadId === workloadId) {
			const isProgress = change.event.progress !== null
			if (isProgress || change.event.seq > seen) yield { type: 'event', event: change.event }
			if (!isProgress) seen = Math.max(seen, change.event.seq)
		}
		const outcome = settled()
		if (outcome) {
			// It may be known before its last steps have come through the queue; they belong before it.
			for (const event of events.of(workloadId)) if (event.seq > seen) yield { type: 'event', event }
			yield frameOf(outcome)
			return
		}
	}
}
