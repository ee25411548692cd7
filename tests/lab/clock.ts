import { readFileSync } from 'node:fs'

/**
 * Preloaded into the Node programs of a host whose clock was set (host.ts): Date follows the offset in the file that
 * LATTICE_LAB_CLOCK names, also while the program runs. Wall clock only; timers and the monotonic clock go on as they
 * are, as on a machine whose clock is wrong. Hosts share one kernel, and a time namespace does not cover the wall clock.
 */
const REREAD_MS = 50

const file = process.env.LATTICE_LAB_CLOCK
const realNow = Date.now
let offsetMs = 0
let readAt = Number.NEGATIVE_INFINITY

function now(): number {
	const monotonic = performance.now()
	if (file !== undefined && monotonic - readAt > REREAD_MS) {
		offsetMs = Number(readFileSync(file, 'utf8'))
		readAt = monotonic
	}
	return realNow() + offsetMs
}

globalThis.Date = new Proxy(Date, {
	construct: (target, args, newTarget) => Reflect.construct(target, args.length === 0 ? [now()] : args, newTarget),
	apply: (target) => new target(now()).toString(),
	get: (target, key) => (key === 'now' ? now : Reflect.get(target, key, target)),
})
