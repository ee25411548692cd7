import { closeSync, fstatSync, mkdirSync, openSync, renameSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'

/** Two of these a child at most: the file and the one before it. */
const CAP_BYTES = 10 * 1024 * 1024

/**
 * A child's output on disk. Written synchronously: a supervisor has nothing better to do, and loses nothing at its end.
 * Open for the life of the process: a dead child's last lines may still be in the pipe.
 */
export class LogFile {
	readonly #path: string
	readonly #cap: number
	#file: number
	#bytes: number

	constructor(path: string, cap = CAP_BYTES) {
		this.#path = path
		this.#cap = cap
		mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
		this.#file = openSync(path, 'a', 0o600)
		this.#bytes = fstatSync(this.#file).size
	}

	write(line: string): void {
		const data = Buffer.from(`${line}\n`)
		if (this.#bytes + data.length > this.#cap) this.#rotate()
		this.#bytes += writeSync(this.#file, data)
	}

	#rotate(): void {
		closeSync(this.#file)
		renameSync(this.#path, `${this.#path}.1`)
		this.#file = openSync(this.#path, 'a', 0o600)
		this.#bytes = 0
	}
}
