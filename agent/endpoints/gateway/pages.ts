import { type IncomingMessage, type ServerResponse, STATUS_CODES } from 'node:http'
import { type ErrorCode, LatticeError } from '../../protocol/index.ts'

/** What the gateway itself says when no replica can: status, code and a sentence with the remedy. */
export interface Page {
	status: number
	code: ErrorCode
	message: string
	retryAfterSeconds?: number
}

export const PAGES = {
	unknownHost: (host: string): Page => ({
		status: 404,
		code: 'NOT_FOUND',
		message: `Nothing here answers to ${host || 'a request without a host name'}. Look at the address on the page of the workload.`,
	}),
	badRequest: { status: 400, code: 'PROTOCOL_ERROR', message: 'This is no HTTP request that a gateway can pass on.' },
	busy: {
		status: 503,
		code: 'RATE_LIMITED',
		message: 'This workload has all the connections it may have. Try again in a moment.',
		retryAfterSeconds: 1,
	},
	brokenAnswer: {
		status: 502,
		code: 'PROTOCOL_ERROR',
		message: 'The workload broke off before it answered, or its answer is no HTTP. Its log may say why.',
	},
} satisfies Record<string, Page | ((host: string) => Page)>

/** Why no replica could be reached. */
export function pageOf(thrown: unknown): Page {
	const { code, message } = LatticeError.from(thrown)
	if (code === 'NOT_FOUND') return { status: 404, code, message }
	if (code === 'HOST_UNREACHABLE' || code === 'WRONG_STATE') return { status: 503, code, message, retryAfterSeconds: 2 }
	if (code === 'TIMEOUT') return { status: 504, code, message }
	return { status: 502, code, message }
}

export function sendPage(request: IncomingMessage, response: ServerResponse, page: Page): void {
	if (response.headersSent) {
		response.destroy()
		return
	}
	const wantsHtml = (request.headers.accept ?? '').includes('text/html')
	const body = wantsHtml ? htmlOf(page) : `${page.status} ${page.code}\n${page.message}\n`
	if (page.retryAfterSeconds) response.setHeader('retry-after', page.retryAfterSeconds)
	response.writeHead(page.status, {
		'content-type': wantsHtml ? 'text/html; charset=utf-8' : 'text/plain; charset=utf-8',
		'content-length': Buffer.byteLength(body),
		'cache-control': 'no-store',
		'x-content-type-options': 'nosniff',
		// The body of the request may not have been read: the connection serves no other.
		connection: 'close',
	})
	response.end(request.method === 'HEAD' ? undefined : body)
}

function htmlOf({ status, code, message }: Page): string {
	const title = `${status} ${STATUS_CODES[status] ?? ''}`
	return `<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${title}</title>
<style>body{font:16px/1.5 system-ui,sans-serif;max-width:36rem;margin:15vh auto;padding:0 1rem;color-scheme:light dark}code{opacity:.7}</style>
<h1>${title}</h1><p>${escaped(message)}</p><p><code>${code}</code></p></html>
`
}

function escaped(text: string): string {
	return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}
