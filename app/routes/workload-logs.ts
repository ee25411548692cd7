import { Readable } from 'node:stream'
import { createReadableStreamFromReadable, type LoaderFunctionArgs } from '@remix-run/node'
import type { LogLine } from '../../agent/protocol/index.ts'
import { eventStream } from '../event-stream.server.ts'
import { sampled } from '../log-sampling.server.ts'
import { requireActor, requireActorOfStream } from '../session.server.ts'
import { answered } from '../wire-error.server.ts'

function linesOf(url: URL): number {
	const lines = Number(url.searchParams.get('lines'))
	return Number.isInteger(lines) && lines > 0 ? Math.min(lines, 10_000) : 500
}

const TEXT = { 'Content-Type': 'text/plain; charset=utf-8', 'Cache-Control': 'no-store' }

function asText(lines: readonly LogLine[]): string {
	return lines.map(({ at, stream, replica, text }) => `${at} ${stream} ${replica} ${text}\n`).join('')
}

/** A reader that is slow or leaves holds the hosts back, or ends them. */
async function* textOf(first: IteratorResult<LogLine[]>, batches: AsyncIterator<LogLine[]>): AsyncGenerator<string> {
	try {
		for (let batch = first; !batch.done; batch = await batches.next()) yield asText(batch.value)
	} finally {
		await batches.return?.()
	}
}

/**
 * For EventSource: history, then what comes. For everything else, and with scripts off: the last lines as text; with
 * `download` all that there are.
 */
export async function loader({ request, context, params }: LoaderFunctionArgs) {
	const follows = request.headers.get('Accept')?.includes('text/event-stream') ?? false
	const actor = await (follows ? requireActorOfStream : requireActor)(request, context)
	const url = new URL(request.url)
	const order = { id: params.id, lines: linesOf(url) }
	const { workloads } = context.services

	if (!follows && url.searchParams.has('download')) {
		const batches = workloads.allLogs(actor, { id: params.id }, request.signal)[Symbol.asyncIterator]()
		// A host that refuses or is away is an error page: a file that has begun can only break off.
		const first = await answered(batches.next())
		const day = new Date().toISOString().slice(0, 10)
		const headers = { ...TEXT, 'Content-Disposition': `attachment; filename="${params.id}-${day}.log"` }
		return new Response(createReadableStreamFromReadable(Readable.from(textOf(first, batches))), { headers })
	}
	if (!follows) {
		const { lines } = await answered(workloads.logs(actor, order))
		return new Response(asText(lines), { headers: TEXT })
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
