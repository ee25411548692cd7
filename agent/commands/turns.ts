/** One at a time for each key, in the order of asking. */
export class Turns {
	readonly #last = new Map<string, Promise<void>>()

	/** Resolves when the turn has come, with what ends it; ending it twice is ending it once. */
	async take(key: string): Promise<() => void> {
		const before = this.#last.get(key)
		const { promise, resolve } = Promise.withResolvers<void>()
		this.#last.set(key, promise)
		await before
		return () => {
			if (this.#last.get(key) === promise) this.#last.delete(key)
			resolve()
		}
	}
}
