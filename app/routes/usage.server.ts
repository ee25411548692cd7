import type { AppLoadContext } from '@remix-run/node'
import { eventStream } from '../event-stream.server.ts'
import { requireActor, requireActorOfStream } from '../session.server.ts'
import { answered } from '../wire-error.server.ts'

/** For EventSource: the last minutes, then a sample each 5 s. Else what is kept, as JSON: `?range=day` or `month`. */
export async function usageResponse(
	request: Request,
	context: AppLoadContext,
	subject: Record<string, string | undefined>,
): Promise<Response> {
	const { monitoring } = context.services
	if (request.headers.get('Accept')?.includes('text/event-stream')) {
		const actor = await requireActorOfStream(request, context)
		return eventStream(request, async function* (signal) {
			for await (const samples of monitoring.follow(actor, subject, signal)) yield { data: samples }
		})
	}
	const actor = await requireActor(request, context)
	const range = new URL(request.url).searchParams.get('range') ?? undefined
	const history = await answered(monitoring.history(actor, { ...subject, range }))
	return Response.json(history, { headers: { 'Cache-Control': 'no-store' } })
}
