import { randomBytes } from 'node:crypto'
import type { TLSSocket } from 'node:tls'
import { LIMITS, type Ticket } from '../../protocol/index.ts'
import { planPool } from './pool-plan.ts'

export interface ReadyPoolOptions {
	/** asks the host to dial here so many times; resolves with how many it will */
	ask: (ticket: Ticket, count: number) => Promise<number>
	now?: () => number
}

/** A promised connection that has not come by then does not come. */
const PROMISE_MS = 5_000
const MINUTE_MS = 60_000
const LOOK_MS = 10_000

interface Waiter {
	resolve(socket: TLSSocket): void
	reject(error: Error): void
}

/** Connections that one host has dialled and keeps ready here, for dials that cannot reach it. */
export class ReadyPool {
	readonly #ask: ReadyPoolOptions['ask']
	readonly #now: () => number
	readonly #idle: TLSSocket[] = []
	readonly #waiters: Waiter[] = []
	/** ticket → how many are still to come */
	readonly #promises = new Map<Ticket, number>()
	#uses: number[] = []
	#wantedAt: number
	#timer: NodeJS.Timeout | null = null

	constructor({ ask, now = () => performance.now() }: ReadyPoolOptions) {
		this.#ask = ask
		this.#now = now
		this.#wantedAt = now()
	}

	get idle(): number {
		return this.#idle.length
	}

	/** One that is ready, or the next that comes. Fails when the host cannot dial here. */
	take(signal: AbortSignal): Promise<TLSSocket> {
		const now = this.#now()
		this.#wantedAt = now
		this.#uses.push(now)
		const ready = this.#idle.shift()
		if (ready) {
			ready.off('close', this.#forgetClosed).off('end', closeNow).pause()
			this.#tend()
			return Promise.resolve(ready)
		}
		return new Promise((resolve, reject) => {
			const settle = () => {
				signal.removeEventListener('abort', onAbort)
				const at = this.#waiters.indexOf(waiter)
				if (at >= 0) this.#waiters.splice(at, 1)
			}
			const waiter: Waiter = {
				resolve: (socket) => {
					settle()
					resolve(socket)
				},
				reject: (error) => {
					settle()
					reject(error)
				},
			}
			const onAbort = () => waiter.reject(signal.reason)
			signal.addEventListener('abort', onAbort, { once: true })
			this.#waiters.push(waiter)
			this.#tend()
		})
	}

	/** The host's connection to here; false when none was promised under that ticket (any more). */
	arrive(ticket: Ticket, socket: TLSSocket): boolean {
		const left = this.#promises.get(ticket) ?? 0
		if (left <= 0) return false
		this.#settlePromise(ticket, 1)
		const waiter = this.#waiters.shift()
		if (waiter) waiter.resolve(socket)
		else this.#keep(socket)
		return true
	}

	/** Given back unused. */
	keep(socket: TLSSocket): void {
		this.#keep(socket)
	}

	/** All that is idle. */
	drop(): void {
		for (const socket of this.#idle.splice(0)) socket.off('close', this.#forgetClosed).destroy()
	}

	close(): void {
		if (this.#timer) clearInterval(this.#timer)
		this.#timer = null
		this.#promises.clear()
		this.drop()
		for (const waiter of this.#waiters.splice(0)) waiter.reject(new Error('the pool was closed'))
	}

	#keep(socket: TLSSocket): void {
		if (socket.destroyed) return
		this.#idle.push(socket)
		// It flows so that its end is seen; the host says nothing before it is asked.
		socket.once('close', this.#forgetClosed).once('end', closeNow).resume()
	}

	readonly #forgetClosed = () => {
		for (let at = this.#idle.length - 1; at >= 0; at--) if (this.#idle[at]?.destroyed) this.#idle.splice(at, 1)
		this.#tend()
	}

	/** After whatever changed. */
	#tend(): void {
		const now = this.#now()
		this.#uses = this.#uses.filter((at) => now - at < MINUTE_MS)
		const state = {
			idle: this.#idle.length,
			coming: this.#coming,
			waiting: this.#waiters.length,
			usedLately: this.#uses.length,
			unusedMs: now - this.#wantedAt,
		}
		const { ask, close } = planPool(state, LIMITS.readyConnections)
		for (const socket of this.#idle.splice(0, close)) socket.off('close', this.#forgetClosed).destroy()
		if (ask > 0) void this.#request(ask)
		this.#watch()
	}

	async #request(count: number): Promise<void> {
		const ticket = randomBytes(16).toString('base64url')
		this.#promises.set(ticket, count)
		try {
			const promised = await this.#ask(ticket, count)
			if (promised < count) {
				this.#settlePromise(ticket, count - promised)
				this.#disappoint(new Error('the host keeps no more connections ready'))
			}
			setTimeout(() => this.#fail(ticket, new Error('the host cannot connect to this node')), PROMISE_MS).unref()
		} catch (thrown) {
			this.#fail(ticket, thrown instanceof Error ? thrown : new Error(String(thrown)))
		}
	}

	/** What was promised and did not come. */
	#fail(ticket: Ticket, error: Error): void {
		this.#promises.delete(ticket)
		this.#disappoint(error)
	}

	/** Those who wait for more than what is still to come would wait in vain. */
	#disappoint(error: Error): void {
		for (const waiter of this.#waiters.slice(this.#coming)) waiter.reject(error)
	}

	get #coming(): number {
		let coming = 0
		for (const left of this.#promises.values()) coming += left
		return coming
	}

	#settlePromise(ticket: Ticket, count: number): void {
		const left = (this.#promises.get(ticket) ?? 0) - count
		if (left > 0) this.#promises.set(ticket, left)
		else this.#promises.delete(ticket)
	}

	/** Looks again by the clock while there is anything to look at. */
	#watch(): void {
		const isEmpty = this.#idle.length === 0 && this.#uses.length === 0 && this.#promises.size === 0
		if (isEmpty && this.#timer) {
			clearInterval(this.#timer)
			this.#timer = null
		} else if (!isEmpty && !this.#timer) this.#timer = setInterval(() => this.#tend(), LOOK_MS).unref()
	}
}

function closeNow(this: TLSSocket): void {
	this.destroy()
}
