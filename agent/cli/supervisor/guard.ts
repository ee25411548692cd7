import { type ChildProcess, spawn } from 'node:child_process'

/**
 * Reads until the supervisor's end of the pipe closes, which the kernel does however the supervisor dies, then ends the
 * child: the last line of "children exit within 2 s" for one that hangs, and the only line for PostgreSQL, which knows
 * no IPC. Works where prctl(PR_SET_PDEATHSIG) does not. Ctrl-C reaches the whole group, so it ignores that.
 */
const SCRIPT = 'trap "" INT TERM HUP; read -r _; kill -s "$2" "$1"; sleep 1.5; kill -s "$3" "$1"'

export interface GuardSignals {
	first: 'INT' | 'TERM'
	last: 'QUIT' | 'KILL'
}

export class Guard {
	readonly #process: ChildProcess

	constructor(pid: number, signals: GuardSignals) {
		this.#process = spawn('/bin/sh', ['-c', SCRIPT, 'lattice-guard', String(pid), signals.first, signals.last], {
			stdio: ['pipe', 'ignore', 'ignore'],
		})
		// Without a guard the child still has its IPC channel; a machine without /bin/sh must not stop `up`.
		this.#process.on('error', () => undefined)
		this.#process.stdin?.on('error', () => undefined)
	}

	/** The child is gone: its pid may be another's from now on. */
	release(): void {
		this.#process.kill('SIGKILL')
	}
}
