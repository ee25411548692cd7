import type { Duplex } from 'node:stream'
import { splice } from '../data/splice.ts'

/** Joins them into one connection; resolves when both are closed. */
export async function carry(one: Duplex, other: Duplex): Promise<void> {
	const closed = [one, other].map(
		(each) => each.closed || new Promise<void>((resolve) => each.once('close', () => resolve())),
	)
	splice(one, other)
	// Whoever read from them before may have stopped them.
	one.resume()
	other.resume()
	// What broke before anybody listened is told to the other here.
	if (one.destroyed) other.destroy()
	if (other.destroyed) one.destroy()
	await Promise.all(closed)
}
