import { type Command, CommandFrame, CommandRequest, LatticeError } from '../protocol/index.ts'
import type { Authority } from './authority.ts'

/** The answer of the executing host, this one or another. */
export type Send = (peerId: string, request: CommandRequest, signal: AbortSignal) => AsyncIterable<CommandFrame>

export interface HostFrame {
	peerId: string
	frame: CommandFrame
}

/** Signs each command for the peer that shall execute it, and relays what that peer answers. */
export class Sender {
	readonly #send: Send

	constructor(send: Send) {
		this.#send = send
	}

	/** A command signed for the peer that shall execute it. */
	static async signed(authority: Authority, peerId: string, given: Command): Promise<CommandRequest> {
		// Decoded as the host will decode it, so that both hash the same command.
		const parsed = CommandRequest.parse({
			credential: authority.credential,
			grant: '',
			command: JSON.parse(JSON.stringify(given)),
		})
		return { ...parsed, grant: await authority.grant(parsed.command, peerId) }
	}

	async *frames(
		authority: Authority,
		peerId: string,
		given: Command,
		signal: AbortSignal,
	): AsyncIterable<CommandFrame> {
		const request = await Sender.signed(authority, peerId, given)
		for await (const frame of this.#send(peerId, request, signal)) yield CommandFrame.parse(frame)
	}

	/** As `frames`, with the host that said it; what would be thrown is its last frame. */
	async *attempt(
		authority: Authority,
		peerId: string,
		command: Command,
		signal: AbortSignal,
	): AsyncIterable<HostFrame> {
		try {
			for await (const frame of this.frames(authority, peerId, command, signal)) yield { peerId, frame }
		} catch (thrown) {
			yield { peerId, frame: { type: 'error', error: LatticeError.from(thrown).toJSON() } }
		}
	}
}
