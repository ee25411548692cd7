import { once } from 'node:events'
import type { Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { LatticeError } from '../protocol/index.ts'
import type { EngineConnection } from './engine-connection.ts'
import { isRefusal, refused } from './engine-errors.ts'
import type { ExecOptions, ExecSession } from './runtime.ts'

/** https://docs.docker.com/reference/api/engine/version/v1.41/#tag/Exec */
interface ExecState {
	Running: boolean
	ExitCode: number | null
	/** on the engine's machine */
	Pid: number
}

/** A shell gets this long to end by itself after it was hung up on. */
const GRACE_MS = 1_000
const SETTLE_MS = 2_000
const HEADER = 8

/** No privileges beyond the container's own: the same user, capabilities and seccomp profile hold. */
export async function openExec(engine: EngineConnection, id: string, options: ExecOptions): Promise<ExecSession> {
	const { command, tty, columns, rows } = options
	try {
		const { Id } = await engine.request<{ Id: string }>({
			method: 'POST',
			path: `/containers/${id}/exec`,
			body: {
				AttachStdin: true,
				AttachStdout: true,
				AttachStderr: true,
				Tty: tty,
				Cmd: command,
				Privileged: false,
				...(tty && { Env: ['TERM=xterm-256color'] }),
			},
		})
		const socket = await engine.hijack({
			method: 'POST',
			path: `/exec/${Id}/start`,
			body: { Detach: false, Tty: tty },
		})
		const session = new DockerExec(engine, Id, socket, tty)
		if (tty) await session.resize(columns, rows)
		return session
	} catch (error) {
		if (isRefusal(error, 409)) {
			throw new LatticeError(
				'WRONG_STATE',
				'The container does not run; start the workload first.',
				{},
				{ cause: error },
			)
		}
		throw refused(error, `run ${command[0] ?? 'a program'} in the container`)
	}
}

class DockerExec implements ExecSession {
	readonly #engine: EngineConnection
	readonly #id: string
	readonly #socket: Socket
	readonly #tty: boolean

	constructor(engine: EngineConnection, id: string, socket: Socket, tty: boolean) {
		this.#engine = engine
		this.#id = id
		this.#socket = socket
		this.#tty = tty
		// It also breaks when the container or the engine goes; the reader and `exitCode` find out.
		socket.on('error', () => undefined)
	}

	get output(): AsyncIterable<{ stream: 'stdout' | 'stderr'; data: Uint8Array }> {
		return this.#tty ? this.#raw() : this.#demultiplexed()
	}

	async write(data: Uint8Array): Promise<void> {
		if (!this.#socket.writable || this.#socket.write(data)) return
		const gone = new AbortController()
		const onClose = () => gone.abort()
		this.#socket.once('close', onClose)
		try {
			await once(this.#socket, 'drain', { signal: gone.signal })
		} catch (error) {
			// It went away with what was not read: nobody is left to read it.
			if (!gone.signal.aborted) throw error
		} finally {
			this.#socket.off('close', onClose)
		}
	}

	end(): void {
		this.#socket.end()
	}

	async resize(columns: number, rows: number): Promise<void> {
		if (!this.#tty) return
		try {
			await this.#engine.request({
				method: 'POST',
				path: `/exec/${this.#id}/resize`,
				query: { h: rows, w: columns },
			})
		} catch (error) {
			// A program that has just ended has no window any more; older engines say 500 to that.
			if (!isRefusal(error, 404, 409, 500)) throw error
		}
	}

	async exitCode(): Promise<number | null> {
		const deadline = performance.now() + SETTLE_MS
		for (;;) {
			const state = await this.#state()
			if (state === null) return null
			if (!state.Running) return state.ExitCode
			if (performance.now() > deadline) return null
			await delay(20)
		}
	}

	/**
	 * The engine goes on with a program whose client has left (moby#9098). A terminal is hung up; what stays is signalled
	 * by its process id, which only an engine of this machine gives.
	 */
	async close(): Promise<void> {
		const state = await this.#state()
		this.#socket.destroy()
		if (!state?.Running) return
		this.#signal(state, 'SIGHUP')
		await delay(GRACE_MS)
		const still = await this.#state()
		if (still?.Running) this.#signal(still, 'SIGKILL')
	}

	#signal({ Pid }: ExecState, signal: NodeJS.Signals): void {
		if (!this.#engine.host.local || Pid <= 1) return
		try {
			process.kill(Pid, signal)
		} catch (error) {
			const { code } = error as NodeJS.ErrnoException
			// It has just ended, or the engine is another user's or another machine's.
			if (code !== 'ESRCH' && code !== 'EPERM') throw error
		}
	}

	async #state(): Promise<ExecState | null> {
		try {
			return await this.#engine.request<ExecState>({ path: `/exec/${this.#id}/json` })
		} catch (error) {
			if (isRefusal(error, 404)) return null
			throw refused(error, 'look at the program')
		}
	}

	async *#raw(): AsyncGenerator<{ stream: 'stdout'; data: Uint8Array }> {
		try {
			for await (const data of this.#socket as AsyncIterable<Buffer>) yield { stream: 'stdout', data }
		} catch (error) {
			if (!isCut(error)) throw error
		}
	}

	/** Each frame is 8 bytes (stream, 3 zeros, length as uint32 BE) and so many bytes. */
	async *#demultiplexed(): AsyncGenerator<{ stream: 'stdout' | 'stderr'; data: Uint8Array }> {
		let rest: Buffer = Buffer.alloc(0)
		try {
			for await (const chunk of this.#socket as AsyncIterable<Buffer>) {
				rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
				while (rest.length >= HEADER) {
					const end = HEADER + rest.readUInt32BE(4)
					if (rest.length < end) break
					yield { stream: rest[0] === 2 ? 'stderr' : 'stdout', data: rest.subarray(HEADER, end) }
					rest = rest.subarray(end)
				}
			}
		} catch (error) {
			if (!isCut(error)) throw error
		}
	}
}

/** The connection went with the container, the engine or our own `close`: an end, whose code is asked for next. */
function isCut(error: unknown): boolean {
	const { code } = error as NodeJS.ErrnoException
	return code === 'ECONNRESET' || code === 'EPIPE' || code === 'ERR_STREAM_PREMATURE_CLOSE' || code === 'ABORT_ERR'
}
