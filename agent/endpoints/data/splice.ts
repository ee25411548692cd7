import type { Duplex } from 'node:stream'
import { cutOff } from './cut-off.ts'

/** How much may wait on its way to a slow receiver: enough to keep a fast one busy, too little to hurt with 500 of them. */
export const SOCKET_HIGH_WATER_BYTES = 256 * 1024

/**
 * Joins two streams into one connection: each half ends by itself, a slow receiver holds its sender back, and an error of
 * either ends both at once. No time-out: a connection may be idle for hours.
 *
 * 'data' and `write` by hand, as `pipe` costs the same (22 µs for a message and its answer, half of it system calls) and
 * leaves the other end open when one breaks.
 */
export function splice(one: Duplex, other: Duplex): void {
	pour(one, other)
	pour(other, one)
}

function pour(from: Duplex, to: Duplex): void {
	from.on('data', (chunk: Buffer) => {
		if (!to.write(chunk)) from.pause()
	})
	to.on('drain', () => from.resume())
	from.on('end', () => to.end())
	from.on('error', () => cutOff(to))
	from.on('close', () => {
		if (!from.readableEnded || !from.writableFinished) cutOff(to)
	})
}
