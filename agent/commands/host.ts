import type { Trust } from '../identity/index.ts'
import {
	CLOCK_LEEWAY_S,
	type CommandFrame,
	type CommandRequest,
	type ExecInput,
	type ExecOutput,
	LatticeError,
	PROTOCOL,
} from '../protocol/index.ts'
import type { Journal } from '../store/journal.ts'
import type { Execs } from './execs.ts'
import type { NgrokSetting } from './ngrok-setting.ts'
import type { Orders } from './orders.ts'
import type { Probing } from './probing.ts'
import type { Reads } from './reads.ts'
import type { SampleReads } from './sample-reads.ts'
import type { Steward } from './steward.ts'

export interface CommandHostModules {
	peerId: string
	trust: () => Trust
	journal: Journal
	orders: Orders
	reads: Reads
	probing: Probing
	samples: SampleReads
	execs: Execs
	steward: Steward
	ngrok: NgrokSetting
	/** a refused command, for the log and the metrics: who sent it and why it got nothing */
	onRefused: (refusal: { from: string; kind: string; error: LatticeError }) => void
}

/**
 * The door of the executing host. Authority is verified here, where the command takes effect: credential → issuer →
 * root, then the grant (this very command, this peer, once), then the subject's right to the workload.
 */
export class CommandHost {
	readonly #modules: CommandHostModules

	constructor(modules: CommandHostModules) {
		this.#modules = modules
	}

	/** Frames until `result` or `error`. Leaving early (signal) ends the answer, never an accepted order. */
	async *handle(request: CommandRequest, context: { from: string; signal: AbortSignal }): AsyncIterable<CommandFrame> {
		const { orders, reads, probing, samples, steward, ngrok, onRefused } = this.#modules
		const { command } = request
		try {
			const subject = await this.#verify(request)
			switch (command.kind) {
				case 'deploy':
					yield* orders.deploy(command, subject, context.signal)
					return
				case 'start':
				case 'stop':
				case 'restart':
				case 'delete':
				case 'scale':
					yield* orders.change(command, subject, context.signal)
					return
				case 'claim':
					yield { type: 'result', result: await steward.claim(command, subject, request.credential) }
					return
				case 'witness':
					yield { type: 'result', result: await steward.witness(command, subject) }
					return
				case 'unclaim':
					yield { type: 'result', result: steward.unclaim(command, subject) }
					return
				case 'ngrok':
					yield { type: 'result', result: ngrok.adopt(command, subject) }
					return
				case 'list':
					yield { type: 'result', result: reads.list(subject) }
					return
				case 'nodes':
					yield { type: 'result', result: reads.nodes(subject) }
					return
				case 'peers':
					yield { type: 'result', result: reads.peers() }
					return
				case 'probe':
					yield { type: 'result', result: await probing.probe(command, subject) }
					return
				case 'get':
					yield { type: 'result', result: reads.get(command, subject) }
					return
				case 'events':
					yield* reads.events(command, subject, context.signal)
					return
				case 'logs':
					yield* reads.logs(command, subject, context.signal)
					return
				case 'stats':
					yield* reads.stats(command, subject, context.signal)
					return
				case 'exec':
					throw new LatticeError(
						'INVALID_INPUT',
						`exec is spoken over ${PROTOCOL.exec}; this release's CLI and console do.`,
					)
				case 'samples':
					yield* samples.samples(command, subject, context.signal)
					return
			}
		} catch (thrown) {
			const error = LatticeError.from(thrown)
			if (error.status === 401 || error.status === 403) onRefused({ from: context.from, kind: command.kind, error })
			if (error.code === 'INTERNAL') throw thrown
			yield { type: 'error', error: error.toJSON() }
		}
	}

	/** As `handle`, for the one command whose caller goes on sending. */
	async *exec(
		request: CommandRequest,
		input: AsyncIterable<ExecInput>,
		context: { from: string; signal: AbortSignal },
	): AsyncIterable<ExecOutput> {
		const { execs, onRefused } = this.#modules
		const { command } = request
		try {
			if (command.kind !== 'exec') throw new LatticeError('INVALID_INPUT', 'Only exec is spoken over this protocol.')
			const subject = await this.#verify(request)
			yield* execs.run(command, subject, input, context)
		} catch (thrown) {
			const error = LatticeError.from(thrown)
			if (error.status === 401 || error.status === 403) onRefused({ from: context.from, kind: command.kind, error })
			if (error.code === 'INTERNAL') throw thrown
			yield { type: 'error', error: error.toJSON() }
		}
	}

	async #verify(request: CommandRequest) {
		const { credential, grant, command } = request
		const authority = await this.#modules
			.trust()
			.verifyAuthority({ credential, grant, command, audience: this.#modules.peerId })
		this.#modules.journal.spendGrant(authority.jti, (authority.expiresAt + CLOCK_LEEWAY_S) * 1000)
		return authority.subject
	}
}
