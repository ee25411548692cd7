/**
 * The promise, or the signal's reason if that comes first. Unlike Promise.race against a long-lived promise, nothing
 * stays behind on the signal: a stream that lives for days waits thousands of times.
 */
export function abortable<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
	return new Promise((resolve, reject) => {
		const onAbort = () => reject(signal.reason)
		if (signal.aborted) onAbort()
		signal.addEventListener('abort', onAbort, { once: true })
		promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort))
	})
}
