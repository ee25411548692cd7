import type { MemoryContainer } from './memory-container.ts'
import type { ExecOptions, ExecSession } from './runtime.ts'

/** A program of the fake engine: it says what it hears. */
export class MemoryExec implements ExecSession {
	readonly sizes: [columns: number, rows: number][]
	readonly #waiting: Uint8Array[] = []
	#code: number | null = null
	#ended = false
	#wake = (): void => undefined

	constructor(container: MemoryContainer, options: ExecOptions) {
		this.sizes = [[options.columns, options.rows]]
		container.on('changed', (action) => {
			if (action === 'die') this.#exit(137)
		})
		const [program, code] = options.command
		if (program === 'exit') this.#exit(Number(code))
	}

	get output(): AsyncIterable<{ stream: 'stdout' | 'stderr'; data: Uint8Array }> {
		return this.#read()
	}

	async write(data: Uint8Array): Promise<void> {
		if (this.#ended) return
		this.#waiting.push(data)
		const [, code] = /^exit (\d+)/.exec(Buffer.from(data).toString()) ?? []
		if (code !== undefined) this.#exit(Number(code))
		this.#wake()
	}

	end(): void {
		this.#exit(0)
	}

	async resize(columns: number, rows: number): Promise<void> {
		this.sizes.push([columns, rows])
	}

	async exitCode(): Promise<number | null> {
		return this.#code
	}

	async close(): Promise<void> {
		this.#exit(137)
	}

	#exit(code: number): void {
		if (this.#ended) return
		this.#ended = true
		this.#code = code
		this.#wake()
	}

	async *#read(): AsyncGenerator<{ stream: 'stdout'; data: Uint8Array }> {
		for (;;) {
			const data = this.#waiting.shift()
			if (data) yield { stream: 'stdout', data }
			else if (this.#ended) return
			else await new Promise<void>((resolve) => (this.#wake = resolve))
		}
	}
}
