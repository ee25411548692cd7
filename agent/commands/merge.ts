/**
 * Several async iterables as one, each value as it comes. A source is asked for its next value only after its last was
 * taken, so back-pressure reaches every source; leaving ends them all.
 */
export async function* mergeIterables<T>(sources: readonly AsyncIterable<T>[]): AsyncIterable<T> {
	const iterators = sources.map((source) => source[Symbol.asyncIterator]())
	const pending = new Map<number, Promise<{ index: number; result: IteratorResult<T> }>>()
	const ask = (index: number) => {
		const iterator = iterators[index]
		if (iterator)
			pending.set(
				index,
				iterator.next().then((result) => ({ index, result })),
			)
	}
	for (const index of iterators.keys()) ask(index)
	try {
		while (pending.size > 0) {
			const { index, result } = await Promise.race(pending.values())
			if (result.done) pending.delete(index)
			else {
				ask(index)
				yield result.value
			}
		}
	} finally {
		for (const waiting of pending.values()) waiting.catch(() => undefined)
		await Promise.allSettled(iterators.map((iterator) => iterator.return?.()))
	}
}
