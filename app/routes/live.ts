import type { LoaderFunctionArgs } from '@remix-run/node'
import type { LiveMessage } from '../components/live/wire.ts'
import { eventStream } from '../event-stream.server.ts'
import type { Actor, Services } from '../services/services.ts'
import { requireActorOfStream } from '../session.server.ts'

/**
 * One stream a page. Every connection, the first and the one that comes back with Last-Event-ID alike, begins with a
 * snapshot taken after the subscription began: nothing falls between, and no history must be kept for who was away.
 */
async function* messages(services: Services, actor: Actor, signal: AbortSignal): AsyncGenerator<LiveMessage> {
	for await (const event of services.live.subscribe(actor, signal)) {
		yield event
		if (event.type !== 'hello') continue
		const [workloads, nodes, alerts] = await Promise.all([
			services.workloads.list(actor),
			services.nodes.list(actor),
			services.monitoring.alerts(actor),
		])
		yield { type: 'snapshot', at: new Date().toISOString(), workloads, nodes, alerts }
	}
}

export async function loader({ request, context }: LoaderFunctionArgs) {
	const actor = await requireActorOfStream(request, context)
	const resumed = Number(request.headers.get('Last-Event-ID'))
	let id = Number.isSafeInteger(resumed) ? resumed : 0
	return eventStream(request, async function* (signal) {
		for await (const message of messages(context.services, actor, signal)) {
			id += 1
			yield { id: String(id), data: message }
		}
	})
}
