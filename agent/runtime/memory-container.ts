import { EventEmitter } from 'node:events'
import type { LogLine } from '../protocol/index.ts'
import type { ContainerPlan, ObservedContainer } from './runtime.ts'

/** What a fake container does when it is started. */
export interface MemoryProgram {
	/** written at once */
	lines?: { stream: LogLine['stream']; text: string }[]
	/** ends at once with this code; runs on when undefined */
	exitCode?: number
	/** only the kill at the end of the stop's timeout ends it */
	ignoresTerm?: boolean
	/** what its health check comes to, when the plan has one */
	health?: ObservedContainer['health']
}

/** One container of the fake engine: a state machine with a log. `changed` is emitted with each action, `log` with each line. */
export class MemoryContainer extends EventEmitter<{ changed: [action: string]; log: [] }> {
	readonly id: string
	readonly plan: ContainerPlan
	readonly log: Omit<LogLine, 'replica'>[] = []
	readonly #program: MemoryProgram
	#state: ObservedContainer['state'] = 'created'
	#health: ObservedContainer['health'] = 'none'
	#exitCode: number | null = null
	#oomKilled = false
	#startedAt: string | null = null
	#finishedAt: string | null = null
	#restarts = 0
	#keptRunning = false
	#restart: NodeJS.Timeout | null = null

	constructor(id: string, plan: ContainerPlan, program: MemoryProgram) {
		super()
		this.setMaxListeners(0)
		this.id = id
		this.plan = plan
		this.#program = program
	}

	get running(): boolean {
		return this.#state === 'running'
	}

	get ignoresTerm(): boolean {
		return this.#program.ignoresTerm === true
	}

	start(): void {
		if (this.running) return
		this.#restarts = 0
		this.#run()
	}

	keepRunning(): void {
		this.#keptRunning = true
	}

	/** It ends by itself; one that is kept running the engine starts again after 0.1 s, doubling. */
	exit(code: number, oomKilled = false): void {
		if (!this.#keptRunning) {
			this.#end(code, 'exited', oomKilled)
			return
		}
		this.#end(code, 'restarting', oomKilled)
		const delay = 100 * 2 ** Math.min(this.#restarts, 9)
		this.#restart = setTimeout(() => {
			this.#restarts++
			this.#run()
		}, delay)
		this.#restart.unref()
	}

	/** Ordered: it stays down. */
	stop(code: number): void {
		if (this.#restart !== null) clearTimeout(this.#restart)
		this.#restart = null
		if (this.running) {
			this.#end(code, 'exited')
			this.emit('changed', 'stop')
		} else if (this.#state === 'restarting') {
			this.#state = 'exited'
			this.emit('changed', 'stop')
		}
	}

	setHealth(health: 'starting' | 'healthy' | 'unhealthy'): void {
		this.#health = health
		this.emit('changed', `health_status: ${health}`)
	}

	write(stream: LogLine['stream'], text: string): void {
		this.log.push({ at: new Date().toISOString(), stream, text })
		this.emit('log')
	}

	observe(address: string): ObservedContainer {
		const { plan } = this
		const ended = this.#state === 'exited' || this.#state === 'restarting'
		return {
			id: this.id,
			name: plan.name,
			labels: { ...plan.labels },
			image: plan.image,
			state: this.#state,
			health: this.#health,
			exitCode: ended ? this.#exitCode : null,
			oomKilled: this.#oomKilled,
			error: null,
			startedAt: this.#startedAt,
			finishedAt: this.#finishedAt,
			restarts: this.#restarts,
			keptRunning: this.#keptRunning,
			address: this.running ? address : null,
			ports: plan.ports.flatMap((port) => port.bindings.map((bound) => ({ container: port.container, ...bound }))),
		}
	}

	#run(): void {
		this.#state = 'running'
		this.#oomKilled = false
		this.#startedAt = new Date().toISOString()
		this.#health = this.plan.healthcheck === null ? 'none' : 'starting'
		this.emit('changed', 'start')
		for (const { stream, text } of this.#program.lines ?? []) this.write(stream, text)
		if (this.#program.exitCode !== undefined) {
			this.exit(this.#program.exitCode)
			return
		}
		const { health = 'healthy' } = this.#program
		if (this.plan.healthcheck !== null && health !== 'starting' && health !== 'none') this.setHealth(health)
	}

	#end(code: number, state: 'exited' | 'restarting', oomKilled = false): void {
		this.#state = state
		this.#exitCode = code
		this.#oomKilled = oomKilled
		this.#finishedAt = new Date().toISOString()
		if (oomKilled) this.emit('changed', 'oom')
		this.emit('changed', 'die')
	}
}
