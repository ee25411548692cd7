import { Writable } from 'node:stream'
import type { AppLoadContext, EntryContext } from '@remix-run/node'
import { RemixServer } from '@remix-run/react'
import { renderToPipeableStream } from 'react-dom/server'
import { NonceContext } from './components/shell/nonce.ts'
import { isWireError } from './wire-error.server.ts'

/** Nothing here is deferred; a render that still hangs then is cut. */
const RENDER_MS = 6_000

/** The page is sent whole: nothing in it is waited for, and React would send it in pieces of 2 KiB. */
export default async function handleRequest(
	request: Request,
	status: number,
	headers: Headers,
	remix: EntryContext,
	context: AppLoadContext,
): Promise<Response> {
	const page = await render(
		<NonceContext.Provider value={context.nonce}>
			<RemixServer context={remix} url={request.url} nonce={context.nonce} />
		</NonceContext.Provider>,
		context.nonce,
	)
	headers.set('Content-Type', 'text/html; charset=utf-8')
	// A page shows one person's workloads, and sometimes credentials: no cache keeps it.
	headers.set('Cache-Control', 'no-store')
	return new Response(page, { headers, status })
}

function render(element: JSX.Element, nonce: string | undefined): Promise<Buffer<ArrayBuffer>> {
	return new Promise((resolve, reject) => {
		let hasShell = false
		const { pipe, abort } = renderToPipeableStream(element, {
			nonce,
			onShellReady() {
				hasShell = true
			},
			onAllReady() {
				clearTimeout(late)
				const pieces: Uint8Array[] = []
				const page = new Writable({
					write(piece: Buffer, _encoding, done) {
						pieces.push(piece)
						done()
					},
					final(done) {
						resolve(Buffer.concat(pieces))
						done()
					},
				})
				pipe(page)
			},
			onShellError(error: unknown) {
				clearTimeout(late)
				reject(error)
			},
			onError(error: unknown) {
				// before there is a shell, the rejection carries it
				if (hasShell) console.error(error)
			},
		})
		const late = setTimeout(abort, RENDER_MS)
	})
}

/** Refusals with a code are the user's to read, not the operator's; anything else is a defect and is logged. */
export function handleError(error: unknown, { request }: { request: Request }): void {
	if (request.signal.aborted || isWireError(error)) return
	console.error(error)
}
