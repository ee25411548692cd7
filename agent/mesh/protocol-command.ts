import { CommandFrame, CommandRequest, LatticeError, PROTOCOL } from '../protocol/index.ts'
import { type Ground, serve } from './door.ts'
import type { CommandHandler } from './peer.ts'
import { pump } from './pump.ts'
import { type Reach, unreachable } from './reach.ts'

/** Commands with their authority, answered by frames. Whether the authority holds is the handler's to judge. */
export class Commands {
	readonly #ground: Ground
	readonly #reach: Reach
	handler: CommandHandler | null = null

	constructor(ground: Ground, reach: Reach) {
		this.#ground = ground
		this.#reach = reach
	}

	async serve(): Promise<void> {
		await serve(this.#ground, PROTOCOL.command, 'peers', async (stream, { claims: from }) => {
			try {
				const request = await stream.read(CommandRequest, { timeoutMs: this.#ground.firstFrameMs })
				if (request === null || from === null) return
				if (this.handler === null) throw new LatticeError('NOT_READY', 'This node takes no commands yet; try again.')
				const frames = this.handler(request, { from, signal: stream.signal })
				if (await pump(frames, stream, isLast)) return
				throw new Error(`the handler of "${request.command.kind}" ended without a result`)
			} catch (thrown) {
				if (stream.signal.aborted) return
				const error = LatticeError.from(thrown)
				if (error.code === 'INTERNAL') this.#ground.log.error({ err: error.cause }, 'a command failed here')
				await stream.write({ type: 'error', error: error.toJSON() } satisfies CommandFrame)
			} finally {
				await stream.close()
			}
		})
	}

	async *send(peerId: string, request: CommandRequest, signal?: AbortSignal): AsyncGenerator<CommandFrame> {
		throwIfCancelled(signal)
		const stream = await this.#reach.open(peerId, PROTOCOL.command, this.#reach.deadline(signal)).catch((thrown) => {
			throwIfCancelled(signal)
			throw thrown
		})
		const onAbort = () => stream.abort(cancelled())
		signal?.addEventListener('abort', onAbort, { once: true })
		try {
			await stream.write(request)
			await stream.end()
			while (true) {
				const frame = await stream.read(CommandFrame)
				if (frame === null) throw new Error('it ended without a result')
				yield frame
				if (isLast(frame)) return
			}
		} catch (thrown) {
			throwIfCancelled(signal)
			if (thrown instanceof LatticeError && thrown.code !== 'CANCELLED') throw thrown
			throw brokenOff(peerId, thrown)
		} finally {
			signal?.removeEventListener('abort', onAbort)
			// After the last frame both halves have ended and this does nothing; before it, the host learns to stop.
			stream.abort(cancelled())
		}
	}
}

/** The request has left: the host may carry it out, which who asks another host must know. */
function brokenOff(peerId: string, thrown: unknown): LatticeError {
	const { code, message, facts } = unreachable(peerId, thrown)
	return new LatticeError(code, message, { ...facts, sent: true }, { cause: thrown })
}

function isLast(frame: CommandFrame): boolean {
	return frame.type === 'result' || frame.type === 'error'
}

function cancelled(): LatticeError {
	return new LatticeError('CANCELLED', 'The command was cancelled by its caller; send it again if it is still wanted.')
}

function throwIfCancelled(signal?: AbortSignal): void {
	if (signal?.aborted) throw cancelled()
}
