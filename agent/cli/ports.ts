import { createServer } from 'node:net'
import { z } from 'zod'
import { LatticeError } from '../protocol/index.ts'
import type { Home } from './home.ts'
import { readJsonFile, writePrivateJson } from './private-file.ts'

export const PORT_DEFAULTS = {
	console: 3000,
	agent: 4001,
	mesh: 4100,
	consoleMesh: 4101,
	data: 4200,
	database: 5433,
	gatewayHttp: 8080,
	gatewayHttps: 8443,
} as const
export type PortName = keyof typeof PORT_DEFAULTS

const RememberedPorts = z.partialRecord(
	z.enum(['console', 'agent', 'mesh', 'consoleMesh', 'data', 'database', 'gatewayHttp', 'gatewayHttps']),
	z.number().int(),
)
type RememberedPorts = z.infer<typeof RememberedPorts>

/** How far past the default a free port is looked for. */
const ATTEMPTS = 200

export type IsFree = (host: string, port: number) => Promise<boolean>

/**
 * The ports of one home. One that was not given is what it was last time, else its default, else the next free one, and
 * is remembered; a given one that is taken is an error (contract.md, Addresses).
 */
export class Ports {
	readonly #home: Home
	readonly #isFree: IsFree
	readonly #remembered: RememberedPorts
	readonly #picked = new Set<number>()

	constructor(home: Home, isFree: IsFree = portIsFree) {
		this.#home = home
		this.#isFree = isFree
		this.#remembered = rememberedPorts(home)
	}

	async pick(name: PortName, host: string, given: number | undefined, option: string): Promise<number> {
		if (given !== undefined) {
			if (await this.#usable(host, given)) return this.#take(given)
			throw new LatticeError(
				'PORT_TAKEN',
				`${option}: port ${given} on ${host} is taken; stop what uses it or give another.`,
				{ port: given, host },
			)
		}
		const port = await this.#firstFree(name, host)
		this.#remembered[name] = port
		writePrivateJson(this.#home.file('ports.json'), this.#remembered)
		return this.#take(port)
	}

	async #firstFree(name: PortName, host: string): Promise<number> {
		const first = PORT_DEFAULTS[name]
		const candidates = Array.from({ length: ATTEMPTS }, (_, index) => first + index)
		const remembered = this.#remembered[name]
		if (remembered !== undefined) candidates.unshift(remembered)
		for (const port of candidates) if (await this.#usable(host, port)) return port
		throw new LatticeError('PORT_TAKEN', `No port from ${first} to ${first + ATTEMPTS - 1} on ${host} is free.`, {
			host,
		})
	}

	#take(port: number): number {
		this.#picked.add(port)
		return port
	}

	async #usable(host: string, port: number): Promise<boolean> {
		return !this.#picked.has(port) && (await this.#isFree(host, port))
	}
}

export function rememberedPorts(home: Home): RememberedPorts {
	return readJsonFile(home.file('ports.json'), RememberedPorts) ?? {}
}

/** Binding is the only honest question; an address this machine does not have is the caller's mistake. */
export function portIsFree(host: string, port: number): Promise<boolean> {
	return new Promise((resolve, reject) => {
		const server = createServer()
		server.once('error', (error: NodeJS.ErrnoException) => {
			if (error.code === 'EADDRINUSE') resolve(false)
			else if (error.code === 'EACCES') {
				reject(new LatticeError('INVALID_INPUT', `Port ${port} needs more rights; give one above 1023.`, { port }))
			} else {
				reject(
					new LatticeError('INVALID_INPUT', `${host} is no address of this machine; give one of its own.`, { host }),
				)
			}
		})
		server.listen({ host, port, exclusive: true }, () => server.close(() => resolve(true)))
	})
}
