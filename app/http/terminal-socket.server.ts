import { once } from 'node:events'
import type { IncomingMessage, Server } from 'node:http'
import type { Duplex } from 'node:stream'
import type { WebSocket } from 'ws'
import { WebSocketServer } from 'ws'
import { z } from 'zod'
import {
	EXEC_CHUNK_BYTES,
	type ExecInput,
	type ExecOutput,
	LatticeError,
	parseInput,
} from '../../agent/protocol/index.ts'
import type { Actor, ConsoleContext } from '../services/services.ts'
import { actorOf } from '../session.server.ts'
import { clientOf } from './client-address.server.ts'
import { isSameOrigin } from './security.server.ts'

const PATH = /^\/workloads\/([^/]+)\/terminal$/
/** Input that may wait for the mesh; beyond it the socket is not read. */
const WAITING = 64
/** To say what to open. */
const FIRST_MS = 10_000
/** Output that may wait for the browser, in bytes. */
const BUFFERED_BYTES = 1024 * 1024

const Control = z.discriminatedUnion('type', [
	z.object({
		type: z.literal('resize'),
		columns: z.number().int().min(1).max(1000),
		rows: z.number().int().min(1).max(1000),
	}),
	z.object({ type: z.literal('end') }),
])

export interface TerminalSocketOptions {
	trustProxy: boolean
	publicUrl: URL | null
	context: Omit<ConsoleContext, 'client'>
	log: { error(facts: object, message: string): void }
}

/**
 * A person's terminal over a WebSocket. The first message says what to open; then binary messages are bytes (of output the first one says stdout 1 or stderr 2),
 * text is JSON: resize and end one way; ready, exit and error the other. A browser proves itself by its session and its
 * Origin, a program by its bearer token.
 */
export function serveTerminals(server: Server, options: TerminalSocketOptions): { stop(): void } {
	const sockets = new WebSocketServer({ noServer: true, maxPayload: EXEC_CHUNK_BYTES * 2, perMessageDeflate: false })
	const onUpgrade = (request: IncomingMessage, socket: Duplex, head: Buffer) => {
		// Not as a URL: `//` is none, and whoever asks is a stranger yet.
		const [path = ''] = (request.url ?? '').split('?')
		const id = PATH.exec(path)?.[1]
		if (id === undefined) return refuse(socket, 404, 'There is no socket at this path.')
		actorOfUpgrade(request, options).then(
			(actor) => {
				if (actor === null) return refuse(socket, 401, 'Log in first.')
				sockets.handleUpgrade(request, socket, head, (opened) => {
					void talk(opened, actor, id, options)
				})
			},
			(error: unknown) => refuse(socket, LatticeError.from(error).status, LatticeError.from(error).message),
		)
	}
	server.on('upgrade', onUpgrade)
	return {
		stop() {
			server.off('upgrade', onUpgrade)
			for (const socket of sockets.clients) socket.terminate()
			sockets.close()
		},
	}
}

async function actorOfUpgrade(request: IncomingMessage, options: TerminalSocketOptions): Promise<Actor | null> {
	const { context, publicUrl } = options
	const client = clientOf(request, options)
	const bearer = /^Bearer\s+(\S+)$/i.exec(request.headers.authorization ?? '')?.[1]
	if (bearer) {
		const via = request.headers['user-agent']?.startsWith('lattice-cli') ? 'cli' : 'api'
		return context.services.accounts.actorOfBearer(bearer, { address: client.address, via })
	}
	// Browsers let any site open a WebSocket with this one's cookies, and say in Origin which site it was.
	const hosts = new Set([request.headers.host, publicUrl?.host])
	const { origin } = request.headers
	if (origin === undefined || !isSameOrigin(origin, undefined, hosts)) {
		throw new LatticeError(
			'FORBIDDEN',
			'This request came from another site, so it was refused. Use the console itself.',
		)
	}
	const headers = new Headers({ Cookie: request.headers.cookie ?? '' })
	return actorOf(new Request('http://console/', { headers }), { ...context, client })
}

async function talk(
	socket: WebSocket,
	actor: Actor,
	id: string,
	{ context, log }: TerminalSocketOptions,
): Promise<void> {
	const abort = new AbortController()
	socket.on('close', () => abort.abort())
	socket.on('error', () => abort.abort())
	try {
		const wanted = await firstMessage(socket, abort.signal)
		const input = inputOf(socket, abort.signal)
		for await (const frame of context.services.terminals.open(actor, { ...wanted, id }, input, abort.signal)) {
			await sendFrame(socket, frame)
		}
	} catch (thrown) {
		if (abort.signal.aborted) return
		const error = LatticeError.from(thrown)
		if (error.code === 'INTERNAL') log.error({ err: thrown }, 'a terminal failed')
		await sendFrame(socket, { type: 'error', error: error.toJSON() })
	} finally {
		socket.close(1000)
	}
}

/** What is wanted: `{replica?, command?, tty?, columns?, rows?}`. Not in the URL, where its words would be logged. */
async function firstMessage(socket: WebSocket, signal: AbortSignal): Promise<object> {
	const [data] = await once(socket, 'message', { signal: AbortSignal.any([signal, AbortSignal.timeout(FIRST_MS)]) })
	// What follows at once is read by whoever takes it from here on.
	socket.pause()
	try {
		return z.looseObject({}).parse(JSON.parse(String(data)))
	} catch (cause) {
		throw new LatticeError('INVALID_INPUT', 'Send what to open first: {"command": ["ls"]}.', {}, { cause })
	}
}

/** What the person sends, as it is asked for: while too much waits the socket is not read. */
async function* inputOf(socket: WebSocket, signal: AbortSignal): AsyncGenerator<ExecInput> {
	const waiting: ExecInput[] = []
	let wake = (): void => undefined
	signal.addEventListener('abort', () => wake(), { once: true })
	socket.on('message', (data: Buffer, isBinary) => {
		try {
			waiting.push(
				isBinary
					? { type: 'data', data: data.toString('base64') }
					: parseInput(Control, JSON.parse(data.toString('utf8')), ['message']),
			)
		} catch {
			// Whoever does not speak this protocol is not asked again.
			socket.close(1008, 'not understood')
		}
		if (waiting.length >= WAITING) socket.pause()
		wake()
	})
	socket.resume()
	while (!signal.aborted) {
		const frame = waiting.shift()
		if (frame) {
			if (waiting.length < WAITING / 2 && socket.isPaused) socket.resume()
			yield frame
		} else {
			await new Promise<void>((resolve) => {
				wake = resolve
				if (waiting.length > 0 || signal.aborted) resolve()
			})
		}
	}
}

/** Resolves when there is room for more, so that a slow reader slows the program down. */
async function sendFrame(socket: WebSocket, frame: ExecOutput): Promise<void> {
	if (socket.readyState !== socket.OPEN) return
	const message =
		frame.type === 'data'
			? Buffer.concat([Buffer.of(frame.stream === 'stderr' ? 2 : 1), Buffer.from(frame.data, 'base64')])
			: JSON.stringify(frame)
	const sent = new Promise<void>((resolve) => socket.send(message, () => resolve()))
	if (socket.bufferedAmount > BUFFERED_BYTES) await sent
}

function refuse(socket: Duplex, status: number, sentence: string): void {
	socket.on('error', () => undefined)
	socket.end(
		`HTTP/1.1 ${status} Refused\r\nConnection: close\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: ${Buffer.byteLength(sentence)}\r\n\r\n${sentence}`,
	)
}
