import { once } from 'node:events'
import { WebSocket } from 'ws'
import { type ExecInput, ExecOutput, LatticeError } from '../../protocol/index.ts'
import type { ExecOrder } from './lattice.ts'

/** A program through the console's socket (app/http/terminal-socket.server.ts): bytes are binary, all else is JSON. */
export async function* execOverSocket(
	origin: URL,
	bearer: string,
	order: ExecOrder,
	input: AsyncIterable<ExecInput>,
	signal: AbortSignal,
): AsyncGenerator<ExecOutput> {
	const socket = new WebSocket(urlOf(origin, order.id), {
		headers: { authorization: `Bearer ${bearer}`, 'user-agent': 'lattice-cli' },
		perMessageDeflate: false,
	})
	const arrived: ExecOutput[] = []
	let failure: LatticeError | null = null
	let closed = false
	let wake = (): void => undefined
	const close = () => socket.close()
	signal.addEventListener('abort', close, { once: true })
	socket.on('unexpected-response', (_request, response) => {
		failure = new LatticeError(
			response.statusCode === 401 ? 'UNAUTHENTICATED' : 'FORBIDDEN',
			`The console refused the terminal (${response.statusCode}); log in again.`,
		)
		socket.terminate()
		closed = true
		wake()
	})
	socket.on('error', (error) => {
		failure ??= new LatticeError(
			'NOT_READY',
			`The console's terminal does not answer: ${error.message}.`,
			{},
			{ cause: error },
		)
	})
	socket.on('close', () => {
		closed = true
		wake()
	})
	socket.on('message', (data: Buffer, isBinary) => {
		const frame = frameOf(data, isBinary)
		if (frame) arrived.push(frame)
		else {
			failure = new LatticeError(
				'PROTOCOL_ERROR',
				`${origin.origin} speaks a terminal that this release does not know.`,
			)
			socket.terminate()
		}
		if (arrived.length > 64) socket.pause()
		wake()
	})
	try {
		void send(socket, order, input).catch(close)
		for (;;) {
			const frame = arrived.shift()
			if (frame) {
				if (arrived.length < 32 && socket.isPaused) socket.resume()
				yield frame
				if (frame.type === 'exit' || frame.type === 'error') return
			} else if (closed) {
				throw failure ?? new LatticeError('HOST_UNREACHABLE', 'The connection was lost before the program ended.')
			} else await new Promise<void>((resolve) => (wake = resolve))
		}
	} finally {
		signal.removeEventListener('abort', close)
		socket.close()
	}
}

function frameOf(data: Buffer, isBinary: boolean): ExecOutput | null {
	if (isBinary) {
		return { type: 'data', stream: data[0] === 2 ? 'stderr' : 'stdout', data: data.subarray(1).toString('base64') }
	}
	try {
		return ExecOutput.parse(JSON.parse(data.toString('utf8')))
	} catch {
		return null
	}
}

/** The order is the first message and not the URL: its words may be secret, and URLs are logged on their way. */
async function send(socket: WebSocket, order: ExecOrder, input: AsyncIterable<ExecInput>): Promise<void> {
	if (socket.readyState === WebSocket.CONNECTING) await once(socket, 'open')
	const { id: _id, ...wanted } = order
	socket.send(JSON.stringify(wanted))
	for await (const frame of input) {
		const message = frame.type === 'data' ? Buffer.from(frame.data, 'base64') : JSON.stringify(frame)
		await new Promise<void>((resolve, reject) => socket.send(message, (error) => (error ? reject(error) : resolve())))
	}
}

function urlOf(origin: URL, id: string): URL {
	const url = new URL(`/workloads/${encodeURIComponent(id)}/terminal`, origin)
	url.protocol = url.protocol.replace('http', 'ws')
	return url
}
