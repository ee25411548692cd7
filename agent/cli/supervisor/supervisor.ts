import { LatticeError } from '../../protocol/index.ts'
import type { Home } from '../home.ts'
import type { Terminal } from '../terminal.ts'
import { type ChildSpec, SupervisedChild } from './child.ts'
import { LogFile } from './log-file.ts'

/** Starts children, keeps them alive, and stops them in the reverse order of their start. */
export class Supervisor {
	readonly #home: Home
	readonly #terminal: Terminal
	readonly #running: SupervisedChild[] = []
	readonly #end = Promise.withResolvers<LatticeError | null>()
	#ending = false

	constructor(modules: { home: Home; terminal: Terminal }) {
		this.#home = modules.home
		this.#terminal = modules.terminal
	}

	/** `onReady` is called at each (re)start that serves; the promise ends with the first. */
	start(spec: ChildSpec, onReady: (message: unknown) => void = () => undefined): Promise<void> {
		const first = Promise.withResolvers<void>()
		const log = new LogFile(this.#home.file('logs', `${spec.name}.log`))
		const child = new SupervisedChild(spec, {
			log,
			listeners: {
				onReady: (message) => {
					onReady(message)
					first.resolve()
				},
				onNotice: (sentence) => this.#terminal.notice(sentence),
				onGivenUp: (sentence) => {
					const where = this.#home.file('logs', `${spec.name}.log`)
					this.#finish(new LatticeError('NOT_READY', `${sentence} Its log: ${where}`, { child: spec.name }))
				},
			},
		})
		this.#running.push(child)
		if (!this.#ending) void child.start()
		return first.promise
	}

	/** Until a signal, or until a child is given up (then it throws why). All children are gone when it ends. */
	async run(begin: () => Promise<void>): Promise<void> {
		const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
		const onSignal = () => this.#interrupt()
		for (const signal of signals) process.on(signal, onSignal)
		try {
			begin().catch((error: unknown) => this.#finish(LatticeError.from(error)))
			const failure = await this.#end.promise
			await this.#stop()
			if (failure) throw failure
		} finally {
			for (const signal of signals) process.off(signal, onSignal)
		}
	}

	/** The first asks, the second does not. */
	#interrupt(): void {
		if (this.#ending) for (const child of this.#running) child.kill()
		else {
			this.#terminal.notice('stopping; workloads go on (once more to force)')
			this.#finish(null)
		}
	}

	#finish(reason: LatticeError | null): void {
		this.#ending = true
		// Ctrl-C reaches the whole process group, so the database may end before its turn to be stopped comes.
		for (const child of this.#running) child.expectEnd()
		this.#end.resolve(reason)
	}

	/** The database last: the others end their transactions first. */
	async #stop(): Promise<void> {
		const [first, ...rest] = this.#running
		await Promise.all(rest.map((child) => child.stop()))
		await first?.stop()
	}
}
