import type { Subject } from '../identity/index.ts'
import {
	type CommandOf,
	EXEC_CHUNK_BYTES,
	EXEC_LIMITS,
	type ExecInput,
	type ExecOutput,
	LatticeError,
} from '../protocol/index.ts'
import type { ContainerRuntime, ExecSession } from '../runtime/runtime.ts'
import type { Assignments, ReplicaRow } from '../store/assignments.ts'
import { notFound } from './ownership.ts'

export interface ExecsModules {
	runtime: Pick<ContainerRuntime, 'exec'>
	assignments: Pick<Assignments, 'get' | 'replicas'>
	log: { info(facts: object, message: string): void; warn(facts: object, message: string): void }
	limits?: { idleMs: number; sessionMs: number; sessions: number; sessionsOfUser: number }
}

/** The best shell that an image has. The words are fixed: nothing of the caller's is in them. */
const SHELL = ['/bin/sh', '-c', 'command -v bash >/dev/null 2>&1 && exec bash; exec sh']

/** Programs that a person runs in a container of theirs. The owner alone: an admin of the lattice is no tenant's guest. */
export class Execs {
	readonly #modules: ExecsModules
	readonly #limits: NonNullable<ExecsModules['limits']>
	readonly #users: string[] = []

	constructor(modules: ExecsModules) {
		this.#modules = modules
		this.#limits = modules.limits ?? EXEC_LIMITS
	}

	async *run(
		command: CommandOf<'exec'>,
		subject: Subject,
		input: AsyncIterable<ExecInput>,
		context: { from: string; signal: AbortSignal },
	): AsyncIterable<ExecOutput> {
		const { runtime, log } = this.#modules
		const row = this.#replica(command, subject)
		this.#enter(subject.userId)
		const facts = { workload: command.workloadId, replica: row.index, user: subject.userId, from: context.from }
		try {
			const { tty, columns, rows } = command
			const words = command.command.length > 0 ? command.command : SHELL
			const session = await runtime.exec(row.containerId ?? '', { command: words, tty, columns, rows })
			log.info(facts, 'a program was started in a container')
			yield* this.#talk(session, input, context.signal)
		} finally {
			this.#users.splice(this.#users.indexOf(subject.userId), 1)
			log.info(facts, 'a program in a container has ended')
		}
	}

	async *#talk(session: ExecSession, input: AsyncIterable<ExecInput>, signal: AbortSignal): AsyncIterable<ExecOutput> {
		const { idleMs, sessionMs } = this.#limits
		let reason: string | null = null
		const end = () => {
			session.close().catch((error: unknown) => this.#modules.log.warn({ err: error }, 'a program could not be ended'))
		}
		const clock = new Clock(idleMs, sessionMs, (why) => {
			reason = why
			end()
		})
		signal.addEventListener('abort', end, { once: true })
		// What goes wrong with input shows in the output, which ends.
		feed(session, input, clock).catch(end)
		try {
			yield { type: 'ready' }
			for await (const { stream, data } of session.output) {
				clock.touch()
				for (let from = 0; from < data.length; from += EXEC_CHUNK_BYTES) {
					const part = Buffer.from(data.buffer, data.byteOffset + from, Math.min(EXEC_CHUNK_BYTES, data.length - from))
					yield { type: 'data', stream, data: part.toString('base64') }
				}
			}
			yield { type: 'exit', code: reason === null ? await session.exitCode() : null, reason }
		} finally {
			clock.stop()
			signal.removeEventListener('abort', end)
			end()
		}
	}

	#replica({ workloadId, replica }: CommandOf<'exec'>, subject: Subject): ReplicaRow {
		const { assignments } = this.#modules
		const assignment = assignments.get(workloadId)
		if (!assignment || assignment.owner !== subject.userId) throw notFound(workloadId)
		const rows = assignments.replicas(workloadId).filter(({ index }) => replica === null || index === replica)
		const running = rows.find(({ containerId, status }) => containerId !== null && UP.has(status))
		if (running) return running
		const which = replica === null ? 'No replica of it' : `Replica ${replica}`
		throw new LatticeError('WRONG_STATE', `${which} runs on this node; start the workload, then try again.`, {
			replica,
		})
	}

	#enter(userId: string): void {
		const { sessions, sessionsOfUser } = this.#limits
		const own = this.#users.filter((each) => each === userId).length
		if (this.#users.length >= sessions || own >= sessionsOfUser) {
			throw new LatticeError('RATE_LIMITED', 'Too many programs are open on this node; close one of yours first.', {
				open: own,
			})
		}
		this.#users.push(userId)
	}
}

const UP: ReadonlySet<string> = new Set(['starting', 'running', 'unhealthy'])

/** Input is taken from the stream one piece at a time: a program that does not read holds its person back. */
async function feed(session: ExecSession, input: AsyncIterable<ExecInput>, clock: Clock): Promise<void> {
	for await (const frame of input) {
		clock.touch()
		if (frame.type === 'data') await session.write(Buffer.from(frame.data, 'base64'))
		else if (frame.type === 'resize') await session.resize(frame.columns, frame.rows)
		else session.end()
	}
}

/** Says why when a session has been idle, or open, for too long. */
class Clock {
	readonly #idleMs: number
	readonly #tell: (reason: string) => void
	readonly #end: NodeJS.Timeout
	#idle: NodeJS.Timeout

	constructor(idleMs: number, sessionMs: number, tell: (reason: string) => void) {
		this.#idleMs = idleMs
		this.#tell = tell
		this.#end = setTimeout(() => tell('closed after its longest time; open it again'), sessionMs)
		this.#idle = this.#wait()
	}

	touch(): void {
		clearTimeout(this.#idle)
		this.#idle = this.#wait()
	}

	stop(): void {
		clearTimeout(this.#idle)
		clearTimeout(this.#end)
	}

	#wait(): NodeJS.Timeout {
		return setTimeout(() => this.#tell('closed because nothing happened in it; open it again'), this.#idleMs)
	}
}
