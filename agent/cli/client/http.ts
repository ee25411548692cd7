import { z } from 'zod'
import { LatticeError, WireError } from '../../protocol/index.ts'
import { type ServerSentEvent, serverSentEvents } from './event-stream.ts'

export interface HttpRequest {
	method?: 'GET' | 'POST' | 'DELETE'
	body?: unknown
	bearer?: string | null
	headers?: Record<string, string>
	signal?: AbortSignal
	/** milliseconds until the answer begins; a stream may then last as long as it likes */
	timeoutMs?: number
}

/** A first deploy validates, places and reserves before it answers; a console that takes longer is stuck. */
const TIMEOUT_MS = 30_000

/** tRPC's shape with the project's code in it; streams send its inside alone (app/trpc). */
export const TrpcError = z.object({
	message: z.string(),
	data: z.object({ lattice: WireError.omit({ message: true }) }),
})

/** The two shapes in which the project's servers say what went wrong (contract.md): REST's and tRPC's. */
const Failure = z.union([
	z.object({ error: WireError }).transform(({ error }) => error),
	z.object({ error: TrpcError }).transform(({ error }) => ({ message: error.message, ...error.data.lattice })),
])

export async function requestJson(url: URL, request: HttpRequest = {}): Promise<unknown> {
	const response = await send(url, request)
	return parse(await response.text(), url)
}

export async function* requestEvents(url: URL, request: HttpRequest): AsyncGenerator<ServerSentEvent> {
	const headers = { ...request.headers, accept: 'text/event-stream' }
	try {
		const response = await send(url, { ...request, headers })
		if (response.body) yield* serverSentEvents(response.body)
	} catch (error) {
		if (request.signal?.aborted) return
		throw error instanceof LatticeError ? error : unreachable(url, error)
	}
}

async function send(url: URL, request: HttpRequest): Promise<Response> {
	const { method = 'GET', body, bearer, signal, timeoutMs = TIMEOUT_MS } = request
	const headers: Record<string, string> = {
		accept: 'application/json',
		'user-agent': 'lattice-cli',
		...request.headers,
	}
	if (bearer) headers.authorization = `Bearer ${bearer}`
	if (body !== undefined) headers['content-type'] = 'application/json'
	const late = new AbortController()
	const timer = setTimeout(() => late.abort(), timeoutMs)
	let response: Response
	try {
		response = await fetch(url, {
			method,
			headers,
			body: body === undefined ? undefined : JSON.stringify(body),
			signal: signal ? AbortSignal.any([signal, late.signal]) : late.signal,
			redirect: 'error', // a token follows nobody's redirect
		})
	} catch (error) {
		if (signal?.aborted) throw new LatticeError('CANCELLED', 'Cancelled.', {}, { cause: error })
		if (late.signal.aborted) {
			throw new LatticeError('TIMEOUT', `${url.origin} did not answer within ${timeoutMs / 1000} s.`, {
				url: url.origin,
			})
		}
		throw unreachable(url, error)
	} finally {
		clearTimeout(timer)
	}
	if (!response.ok) throw failureOf(response.status, await response.text(), url)
	return response
}

function failureOf(status: number, text: string, url: URL): LatticeError {
	const failure = Failure.safeParse(tryJson(text))
	if (failure.success) return LatticeError.fromWire(failure.data)
	return new LatticeError('PROTOCOL_ERROR', `${url.origin} answered ${status} to ${url.pathname}; is it a Lattice?`, {
		status,
	})
}

function unreachable(url: URL, cause: unknown): LatticeError {
	const why = cause instanceof Error && cause.cause instanceof Error ? cause.cause.message : ''
	return new LatticeError(
		'HOST_UNREACHABLE',
		`${url.origin} does not answer${why ? ` (${why})` : ''}.`,
		{ url: url.origin },
		{ cause },
	)
}

function parse(text: string, url: URL): unknown {
	const value = tryJson(text)
	if (value === undefined) throw new LatticeError('PROTOCOL_ERROR', `${url.origin} answered no JSON; is it a Lattice?`)
	return value
}

function tryJson(text: string): unknown {
	try {
		return JSON.parse(text)
	} catch {
		return undefined // not JSON: the caller says what that means
	}
}
