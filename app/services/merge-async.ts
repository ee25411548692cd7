/** Several sources as one, each value as it comes. A source is asked again only after its last value was taken. */
export async function* mergeAsync<T>(sources: readonly AsyncIterable<T>[]): AsyncGenerator<T> {
	const iterators = sources.map((source) => source[Symbol.asyncIterator]())
	const pending = new Map<number, Promise<{ index: number; result: IteratorResult<T> }>>()
	const ask = (iterator: AsyncIterator<T>, index: number) => {
		pending.set(
			index,
			iterator.next().then((result) => ({ index, result })),
		)
	}
	iterators.forEach(ask)
	try {
		while (pending.size > 0) {
			const { index, result } = await Promise.race(pending.values())
			pending.delete(index)
			if (result.done) continue
			yield result.value
			const iterator = iterators[index]
			if (iterator) ask(iterator, index)
		}
	} finally {
		for (const asked of pending.values()) asked.catch(() => undefined)
		await Promise.allSettled(iterators.map((iterator) => iterator.return?.()))
	}
}
