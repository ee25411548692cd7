import { once } from 'node:events'
import { createServer, type Server, type Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { cutOff } from '../../endpoints/data/cut-off.ts'
import { splice } from '../../endpoints/data/splice.ts'
import { SOCKET_OPTIONS } from '../../endpoints/data/tls.ts'
import type { Dialled, DialPath, DialTarget } from '../../endpoints/dialer.ts'
import { type ErrorCode, LatticeError } from '../../protocol/index.ts'
import { inTurn } from './targets.ts'

export interface ForwardModules {
	/** where connections may go now */
	targets: () => DialTarget[]
	/** asks the lattice again where the workload is */
	refresh: () => Promise<void>
	dial: (target: DialTarget, signal: AbortSignal) => Promise<Dialled>
	/** a connection took another path than the one before */
	onPath: (path: DialPath, target: DialTarget) => void
	/** a connection that could not be made */
	onFailure: (error: LatticeError) => void
}

/** A workload that restarts or moves is back within seconds; so long a program's connection waits for it. */
const PATIENCE_MS = 15_000
const PAUSE_MS = 300
/** Asking again changes nothing. */
const FINAL: readonly ErrorCode[] = ['FORBIDDEN', 'REVOKED', 'UNAUTHENTICATED', 'CERTIFICATE_EXPIRED']

/** A port of this machine whose connections end in a workload, wherever that runs at the time. */
export class Forward {
	readonly #modules: ForwardModules
	readonly #server: Server
	readonly #open = new Map<Socket, string>()
	readonly #ending = new AbortController()
	#turn = 0
	#last: string | null = null

	constructor(modules: ForwardModules) {
		this.#modules = modules
		this.#server = createServer(SOCKET_OPTIONS, (socket) => void this.#serve(socket))
	}

	/** On loopback: this port stands open for every program of this machine, as the workload does for its owner. */
	async listen(port: number): Promise<void> {
		this.#server.listen({ host: '127.0.0.1', port, exclusive: true })
		await once(this.#server, 'listening')
	}

	close(): void {
		this.#ending.abort(new LatticeError('CANCELLED', 'The forward was ended.'))
		this.#server.close()
		for (const socket of this.#open.keys()) cutOff(socket)
	}

	/** A connection that is closed again at once: which path there is, and how long it is. */
	async probe(signal: AbortSignal): Promise<{ path: DialPath; target: DialTarget }> {
		const { dialled, target } = await this.#dial(signal, 0)
		dialled.stream.destroy()
		return { path: dialled.path, target }
	}

	async #serve(socket: Socket): Promise<void> {
		const gone = new AbortController()
		this.#open.set(socket, '')
		socket.on('error', () => socket.destroy())
		socket.once('close', () => {
			this.#open.delete(socket)
			gone.abort(new LatticeError('CANCELLED', 'The program hung up.'))
		})
		try {
			const signal = AbortSignal.any([gone.signal, this.#ending.signal])
			const { dialled, target } = await this.#dial(signal, PATIENCE_MS)
			if (socket.destroyed) return void dialled.stream.destroy()
			this.#open.set(socket, keyOf(target))
			splice(socket, dialled.stream)
		} catch (thrown) {
			if (!gone.signal.aborted && !this.#ending.signal.aborted) this.#modules.onFailure(LatticeError.from(thrown))
			cutOff(socket)
		}
	}

	/** Each replica in turn; when none takes it, the lattice is asked again, until patience ends. */
	async #dial(signal: AbortSignal, patienceMs: number): Promise<{ dialled: Dialled; target: DialTarget }> {
		const deadline = performance.now() + patienceMs
		for (;;) {
			let failure = new LatticeError('WRONG_STATE', 'No replica of it runs; start it, or look at its status.')
			for (const target of this.#choices()) {
				try {
					const dialled = await this.#modules.dial(target, signal)
					this.#tell(dialled.path, target)
					return { dialled, target }
				} catch (thrown) {
					signal.throwIfAborted()
					failure = LatticeError.from(thrown)
				}
			}
			if (FINAL.includes(failure.code) || performance.now() >= deadline) throw failure
			await delay(PAUSE_MS, null, { signal })
			await this.#modules.refresh()
		}
	}

	#choices(): DialTarget[] {
		const used = [...this.#open.values()]
		const choices = this.#modules.targets().map((target) => {
			return { target, open: used.filter((key) => key === keyOf(target)).length }
		})
		this.#turn += 1
		return inTurn(choices, this.#turn)
	}

	#tell(path: DialPath, target: DialTarget): void {
		const now = `${keyOf(target)} ${path.kind} ${path.through}`
		if (this.#last !== null && this.#last !== now) this.#modules.onPath(path, target)
		this.#last = now
	}
}

function keyOf({ peerId, replica }: DialTarget): string {
	return `${peerId} ${replica}`
}
