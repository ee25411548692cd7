/** A pool of connections that one host keeps ready here. */
export interface PoolState {
	idle: number
	/** asked of the host and not there yet */
	coming: number
	/** dials that wait for one */
	waiting: number
	/** how many were used in the last minute */
	usedLately: number
	/** milliseconds since the last was used or wanted */
	unusedMs: number
}

export interface PoolSteps {
	/** how many more to ask the host for */
	ask: number
	/** how many idle ones to close */
	close: number
}

/** While in use there are always some: a new connection then costs one round trip, as without a NAT. */
const LEAST = 2
const MOST_SPARE = 32
/** Of the connections of a minute so many may come at once. */
const SHARE_AT_ONCE = 4
/** After this without use nothing is kept. */
export const UNUSED_MS = 5 * 60_000

/** What brings a pool to where demand wants it: whoever waits is served, and as many are spare as are likely to come at once. */
export function planPool(state: PoolState, limit: number): PoolSteps {
	const { idle, coming, waiting, usedLately, unusedMs } = state
	if (waiting === 0 && unusedMs >= UNUSED_MS) return { ask: 0, close: idle }
	const spare = Math.min(MOST_SPARE, Math.max(LEAST, Math.ceil(usedLately / SHARE_AT_ONCE)))
	const missing = waiting + spare - idle - coming
	const ask = Math.max(0, Math.min(missing, limit - idle - coming))
	// Twice what is wanted before any is closed: demand that swings must not make and break connections.
	const close = waiting > 0 ? 0 : Math.max(0, idle - 2 * spare)
	return { ask, close }
}
