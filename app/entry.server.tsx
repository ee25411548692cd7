import { PassThrough } from 'node:stream'
import type { AppLoadContext, EntryContext } from '@remix-run/node'
import { createReadableStreamFromReadable } from '@remix-run/node'
import { RemixServer } from '@remix-run/react'
import { isbot } from 'isbot'
import { renderToPipeableStream } from 'react-dom/server'
import { NonceContext } from './components/shell/nonce.ts'
import { isWireError } from './wire-error.server.ts'

/** Nothing here is deferred; a render that still hangs then is cut. */
const STREAM_MS = 6_000

export default function handleRequest(
	request: Request,
	status: number,
	headers: Headers,
	remix: EntryContext,
	context: AppLoadContext,
): Promise<Response> {
	const wholePage = isbot(request.headers.get('user-agent') ?? '') || remix.isSpaMode
	return new Promise((resolve, reject) => {
		let answered = false
		const { pipe, abort } = renderToPipeableStream(
			<NonceContext.Provider value={context.nonce}>
				<RemixServer context={remix} url={request.url} nonce={context.nonce} />
			</NonceContext.Provider>,
			{
				nonce: context.nonce,
				[wholePage ? 'onAllReady' : 'onShellReady']() {
					answered = true
					const body = new PassThrough()
					headers.set('Content-Type', 'text/html; charset=utf-8')
					// A page shows one person's workloads, and sometimes credentials: no cache keeps it.
					headers.set('Cache-Control', 'no-store')
					resolve(new Response(createReadableStreamFromReadable(body), { headers, status }))
					pipe(body)
				},
				onShellError: reject,
				onError(error: unknown) {
					// Before the shell is out the rejection above carries it.
					if (answered) console.error(error)
				},
			},
		)
		setTimeout(abort, STREAM_MS)
	})
}

/** Refusals with a code are the user's to read, not the operator's; anything else is a defect and is logged. */
export function handleError(error: unknown, { request }: { request: Request }): void {
	if (request.signal.aborted || isWireError(error)) return
	console.error(error)
}
