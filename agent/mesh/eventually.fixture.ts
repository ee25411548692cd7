/** Polls with a deadline: the tests of this room wait for what they mean, never for a time. */
export async function eventually(
	what: string,
	check: () => boolean | Promise<boolean>,
	timeoutMs = 8_000,
): Promise<void> {
	const deadline = performance.now() + timeoutMs
	while (!(await check())) {
		if (performance.now() > deadline) throw new Error(`not within ${timeoutMs} ms: ${what}`)
		await new Promise((resolve) => setTimeout(resolve, 10))
	}
}

export async function collect<T>(frames: AsyncIterable<T>): Promise<T[]> {
	const all: T[] = []
	for await (const frame of frames) all.push(frame)
	return all
}
