import { labelFilter } from './containers.ts'
import type { EngineConnection } from './engine-connection.ts'
import { engineUnavailable, refused } from './engine-errors.ts'
import { jsonLines } from './json-lines.ts'
import type { RuntimeEvent } from './runtime.ts'

interface EngineEvent {
	Action: string
	Actor: { ID: string; Attributes: Record<string, string> | null }
	timeNano: number
}

/** What changes a container's state. Not exec_*: every health check runs three of them; not update: the agent's own. */
const ACTIONS = [
	'create',
	'start',
	'restart',
	'die',
	'oom',
	'kill',
	'stop',
	'pause',
	'unpause',
	'health_status',
	'rename',
	'destroy',
]

export async function* events(
	engine: EngineConnection,
	labels: Record<string, string>,
	signal: AbortSignal,
	onSubscribed?: () => void,
): AsyncGenerator<RuntimeEvent> {
	try {
		const body = await engine.stream({
			path: '/events',
			query: { filters: { type: ['container'], event: ACTIONS, label: labelFilter(labels) } },
			signal,
		})
		onSubscribed?.()
		for await (const { Action, Actor, timeNano } of jsonLines<EngineEvent>(body)) {
			const attributes = Object.entries(Actor.Attributes ?? {})
			yield {
				kind: 'container',
				action: Action,
				containerId: Actor.ID,
				labels: Object.fromEntries(attributes.filter(([key]) => key.startsWith('lattice.'))),
				at: new Date(timeNano / 1e6).toISOString(),
			}
		}
	} catch (error) {
		if (signal.aborted) return
		throw engine.broken(refused(error, 'tell its events'), signal)
	}
	// Only an engine that goes away ends this stream.
	if (!signal.aborted) throw engineUnavailable(engine.host.address, new Error('the event stream ended'))
}
