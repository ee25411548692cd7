import type { Duplex } from 'node:stream'

/** Joins two streams until both have ended: half-close and back-pressure pass through; a failure of one ends the other. */
export function splice(a: Duplex, b: Duplex): Promise<void> {
	return new Promise((resolve) => {
		let open = 2
		const closed = (one: Duplex, other: Duplex) => {
			// It broke off rather than ended: the other side must not wait for more.
			if (!one.readableEnded || !one.writableFinished) other.destroy()
			open -= 1
			if (open === 0) resolve()
		}
		for (const [one, other] of [
			[a, b],
			[b, a],
		] as const) {
			one.on('error', () => other.destroy())
			one.once('close', () => closed(one, other))
			one.pipe(other)
		}
	})
}
