import type { Socket } from 'node:net'
import type { GatewayPort, GatewayPorts } from '../../store/gateway-ports.ts'
import { candidatePorts, type Listening, listenOn, type PortRange } from './listeners.ts'
import { type Route, routeKey } from './table.ts'

/** A port stays with a workload that is away for so long: its host may be off for a holiday. */
const KEEP_MS = 14 * 86_400_000
/** What had the port at a restart is mostly the process before this one. */
const REOPEN_ATTEMPTS = 10
const REOPEN_MS = 200

export interface PortBookModules {
	store: GatewayPorts
	onConnection: (key: string, row: GatewayPort, socket: Socket) => void
	/** a port listens now, or has been given up */
	onChange: () => void
	log: { warn(facts: object, message: string): void }
}

/** The own port of each route: which it is, over restarts, and whether it listens. */
export class PortBook {
	readonly #address: string
	readonly #range: PortRange
	readonly #modules: PortBookModules
	readonly #rows = new Map<string, GatewayPort>()
	readonly #open = new Map<string, Listening>()
	readonly #opening = new Set<string>()
	/** what shall listen */
	#wanted = new Set<string>()
	#stopped = false

	constructor(options: { address: string; range: PortRange }, modules: PortBookModules) {
		this.#address = options.address
		this.#range = options.range
		this.#modules = modules
		modules.store.release(Date.now() - KEEP_MS)
		for (const row of modules.store.all()) this.#rows.set(routeKey(row.workloadId, row.container), row)
	}

	/** All that listened before: clients that connect now wait until hosts have said what they run. */
	async reopen(): Promise<void> {
		const before = [...this.#rows].filter(([, row]) => row.goneSince === null)
		this.#wanted = new Set(before.map(([key]) => key))
		await Promise.all(before.map(([key, row]) => this.#reopen(key, row)))
	}

	/** Exactly these listen from now on. `isSettled`: what is not among them is gone, not just unheard of. */
	follow(routes: readonly Route[], isSettled: boolean): void {
		const keyed = new Map(routes.map((route) => [routeKey(route.workloadId, route.port.container), route]))
		const wanted = [...keyed].filter(([, route]) => route.wanted)
		const unheard = isSettled ? [] : [...this.#open.keys()].filter((key) => !keyed.has(key))
		this.#wanted = new Set([...wanted.map(([key]) => key), ...unheard])
		for (const [key, listening] of this.#open) {
			if (this.#wanted.has(key)) continue
			listening.close(!keyed.has(key))
			this.#open.delete(key)
		}
		for (const [key, row] of this.#rows) {
			if (keyed.has(key) === (row.goneSince === null) || (!keyed.has(key) && !isSettled)) continue
			this.#remember(key, { ...row, goneSince: keyed.has(key) ? null : Date.now() })
		}
		for (const [key, route] of wanted) {
			if (!this.#open.has(key) && !this.#opening.has(key)) void this.#openFor(key, route)
		}
	}

	/** Null while it does not listen. */
	portOf(key: string): number | null {
		return this.#open.get(key)?.port ?? null
	}

	stop(): void {
		this.#stopped = true
		for (const listening of this.#open.values()) listening.close(true)
		this.#open.clear()
	}

	async #openFor(key: string, route: Route): Promise<void> {
		this.#opening.add(key)
		try {
			const row = this.#rows.get(key)
			if (row && (await this.#reopen(key, row))) return
			await this.#openNew(key, route)
		} finally {
			this.#opening.delete(key)
		}
	}

	async #reopen(key: string, row: GatewayPort): Promise<boolean> {
		for (let attempt = 0; attempt < REOPEN_ATTEMPTS && !this.#stopped; attempt++) {
			if (await this.#listen(key, row)) return true
			await new Promise((resolve) => setTimeout(resolve, REOPEN_MS))
		}
		this.#modules.log.warn(
			{ workload: row.workloadId, port: row.port },
			'the port of a workload is taken by another program',
		)
		return false
	}

	async #openNew(key: string, { workloadId, port: { container, protocol } }: Route): Promise<void> {
		const taken = new Set([...this.#rows.values()].map(({ port }) => port))
		for (const port of this.#candidates(key, taken)) {
			const row = { workloadId, container, protocol, port, goneSince: null }
			if (this.#stopped) return
			if ([...this.#rows.values()].some((other) => other.port === port)) continue
			// In the book before it listens: another route that is opened meanwhile must not take it.
			this.#rows.set(key, row)
			if (!(await this.#listen(key, row))) {
				this.#rows.delete(key)
				continue
			}
			this.#modules.store.put(row)
			return
		}
		const { from, to } = this.#range
		this.#modules.log.warn(
			{ workload: workloadId, from, to },
			'no port of the range is free for a workload; widen --gateway-ports',
		)
	}

	/** When all are given out, the port of the workload that has been gone longest is given again. */
	*#candidates(key: string, taken: ReadonlySet<number>): Generator<number> {
		yield* candidatePorts(this.#range, key, taken)
		const gone = [...this.#rows]
			.filter(([, row]) => row.goneSince !== null)
			.sort(([, a], [, b]) => (a.goneSince ?? 0) - (b.goneSince ?? 0))
		for (const [other, { port }] of gone) {
			this.#rows.delete(other)
			yield port
		}
	}

	async #listen(key: string, row: GatewayPort): Promise<boolean> {
		const { onConnection, onChange } = this.#modules
		const listening = await listenOn(this.#address, row.port, (socket) => onConnection(key, row, socket))
		if (listening === null) return false
		if (this.#stopped || !this.#wanted.has(key)) listening.close(true)
		else this.#open.set(key, listening)
		onChange()
		return true
	}

	#remember(key: string, row: GatewayPort): void {
		this.#rows.set(key, row)
		this.#modules.store.setGone(row.workloadId, row.container, row.goneSince)
	}
}
