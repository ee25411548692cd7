import type { LoaderFunctionArgs } from '@remix-run/node'
import { eventStream } from '../event-stream.server.ts'
import { sampled } from '../log-sampling.server.ts'
import { requireActor, requireActorOfStream } from '../session.server.ts'
import { answered } from '../wire-error.server.ts'

function linesOf(url: URL): number {
	const lines = Number(url.searchParams.get('lines'))
	return Number.isInteger(lines) && lines > 0 ? Math.min(lines, 10_000) : 500
}

/** For EventSource: history, then what comes. For everything else, and with scripts off: the last lines as text. */
export async function loader({ request, context, params }: LoaderFunctionArgs) {
	const follows = request.headers.get('Accept')?.includes('text/event-stream') ?? false
	const actor = await (follows ? requireActorOfStream : requireActor)(request, context)
	const url = new URL(request.url)
	const order = { id: params.id, lines: linesOf(url) }
	const { workloads } = context.services

	if (!follows) {
		const { lines } = await answered(workloads.logs(actor, order))
		const text = lines.map(({ at, stream, replica, text }) => `${at} ${stream} ${replica} ${text}\n`).join('')
		const headers = new Headers({ 'Content-Type': 'text/plain; charset=utf-8', 'Cache-Control': 'no-store' })
		if (url.searchParams.has('download')) {
			const day = new Date().toISOString().slice(0, 10)
			headers.set('Content-Disposition', `attachment; filename="${params.id}-${day}.log"`)
		}
		return new Response(text, { headers })
	}

	// The id is the time of the newest line: whoever comes back is not told twice what it has.
	const after = request.headers.get('Last-Event-ID') ?? url.searchParams.get('after') ?? ''
	return eventStream(request, async function* (signal) {
		let newest = after
		for await (const batch of sampled(workloads.followLogs(actor, order, signal))) {
			const lines = after ? batch.lines.filter((line) => line.at > after) : batch.lines
			if (lines.length === 0) continue
			for (const line of lines) if (line.at > newest) newest = line.at
			yield { id: newest, data: { lines, skipped: batch.skipped } }
		}
	})
}
