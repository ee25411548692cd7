import { CommandRequest, ExecInput, ExecOutput, LatticeError, PROTOCOL } from '../protocol/index.ts'
import { type Ground, serve } from './door.ts'
import type { JsonStream } from './json-stream.ts'
import type { ExecHandler } from './peer.ts'
import { pump } from './pump.ts'
import { type Reach, unreachable } from './reach.ts'

/** A command whose caller goes on sending: input one way, output the other, each held back by its own reader. */
export class Exec {
	readonly #ground: Ground
	readonly #reach: Reach
	handler: ExecHandler | null = null

	constructor(ground: Ground, reach: Reach) {
		this.#ground = ground
		this.#reach = reach
	}

	async serve(): Promise<void> {
		await serve(this.#ground, PROTOCOL.exec, 'peers', async (stream, { claims: from }) => {
			try {
				const request = await stream.read(CommandRequest, { timeoutMs: this.#ground.firstFrameMs })
				if (request === null || from === null) return
				if (this.handler === null) throw new LatticeError('NOT_READY', 'This node runs no programs yet; try again.')
				const output = this.handler(request, inputOf(stream), { from, signal: stream.signal })
				if (!(await pump(output, stream, isLast))) throw new Error('a program ended without an exit')
			} catch (thrown) {
				if (stream.signal.aborted) return
				const error = LatticeError.from(thrown)
				if (error.code === 'INTERNAL') this.#ground.log.error({ err: error.cause }, 'a program failed here')
				await stream.write({ type: 'error', error: error.toJSON() } satisfies ExecOutput)
			} finally {
				await stream.close()
			}
		})
	}

	/** Output until `exit` or `error`. Leaving early, or the signal, ends the program. */
	async *run(
		peerId: string,
		request: CommandRequest,
		input: AsyncIterable<ExecInput>,
		signal: AbortSignal,
	): AsyncGenerator<ExecOutput> {
		const stream = await this.#reach.open(peerId, PROTOCOL.exec, this.#reach.deadline(signal))
		const onAbort = () => stream.abort(left())
		signal.addEventListener('abort', onAbort, { once: true })
		try {
			signal.throwIfAborted()
			await stream.write(request)
			// Its end is the stream's: what cannot be sent any more is told by the reading side.
			void send(input, stream).catch((thrown: unknown) => stream.abort(LatticeError.from(thrown)))
			while (true) {
				const frame = await stream.read(ExecOutput)
				if (frame === null) throw new Error('it ended without an exit')
				yield frame
				if (isLast(frame)) return
			}
		} catch (thrown) {
			if (signal.aborted) throw left()
			if (thrown instanceof LatticeError && thrown.code !== 'CANCELLED') throw thrown
			throw unreachable(peerId, thrown)
		} finally {
			signal.removeEventListener('abort', onAbort)
			stream.abort(left())
		}
	}
}

async function send(input: AsyncIterable<ExecInput>, stream: JsonStream): Promise<void> {
	for await (const frame of input) {
		if (stream.signal.aborted) return
		await stream.write(frame)
	}
}

async function* inputOf(stream: JsonStream): AsyncGenerator<ExecInput> {
	while (true) {
		const frame = await stream.read(ExecInput)
		if (frame === null) return
		yield frame
	}
}

function isLast(frame: ExecOutput): boolean {
	return frame.type === 'exit' || frame.type === 'error'
}

function left(): LatticeError {
	return new LatticeError('CANCELLED', 'The terminal was closed; open it again if it is still wanted.')
}
