import { setTimeout as delay } from 'node:timers/promises'

export interface Runner<T> {
	afterMs: number
	run(signal: AbortSignal): Promise<T>
}

/**
 * The first that succeeds. Each begins after its time, or as soon as one before it has failed; what succeeds too late is
 * given to `spare`. Fails with all failures when none succeeds, or with the signal's reason.
 */
export async function race<T>(
	runners: readonly Runner<T>[],
	signal: AbortSignal,
	spare: (late: T) => void,
): Promise<T> {
	const won = new AbortController()
	const either = AbortSignal.any([won.signal, signal])
	let previous: Promise<unknown> = Promise.resolve()
	let isWon = false
	const all = runners.map(({ afterMs, run }, index) => {
		const before = previous
		const attempt = (async () => {
			if (index > 0) await Promise.race([delay(afterMs, null, { signal: either }), before])
			either.throwIfAborted()
			const result = await run(either)
			if (isWon) {
				spare(result)
				throw new Error('another was first')
			}
			isWon = true
			return result
		})()
		// Settles only by failing: a success ends the race.
		previous = attempt.then(
			() => new Promise(() => undefined),
			() => undefined,
		)
		return attempt
	})
	try {
		return await Promise.any(all)
	} catch (thrown) {
		signal.throwIfAborted()
		throw thrown
	} finally {
		won.abort(new Error('another was first'))
	}
}
