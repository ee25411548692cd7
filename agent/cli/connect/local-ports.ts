import { LatticeError } from '../../protocol/index.ts'
import { portIsFree } from '../ports.ts'

const HOST = '127.0.0.1'
/** Ports below it need more rights than a person has. */
const LEAST = 1024
const ATTEMPTS = 200

/** The ports of one `connect`: that of the container where it is free, else the next, so that tools find what they expect. */
export class LocalPorts {
	readonly #picked = new Set<number>()

	async pick(container: number, given: number | undefined): Promise<number> {
		if (given !== undefined) {
			if (!this.#picked.has(given) && (await portIsFree(HOST, given))) return this.#take(given)
			const sentence = `--local: port ${given} on ${HOST} is taken; stop what uses it or give another.`
			throw new LatticeError('PORT_TAKEN', sentence, { port: given })
		}
		const first = container < LEAST ? container + 8000 : container
		for (let port = first; port < Math.min(first + ATTEMPTS, 65_536); port++) {
			if (!this.#picked.has(port) && (await portIsFree(HOST, port))) return this.#take(port)
		}
		throw new LatticeError('PORT_TAKEN', `No port from ${first} on is free on ${HOST}; give one with --local.`)
	}

	#take(port: number): number {
		this.#picked.add(port)
		return port
	}
}
