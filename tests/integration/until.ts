import { setTimeout as sleep } from 'node:timers/promises'

/** Asks until the answer is not false, null or undefined, and gives it; says what was waited for when time is up. */
export async function until<T>(
	what: string,
	withinMs: number,
	ask: () => T | Promise<T>,
): Promise<NonNullable<Exclude<T, false>>> {
	const deadline = Date.now() + withinMs
	for (;;) {
		const answer = await ask()
		if (answer) return answer as NonNullable<Exclude<T, false>>
		if (Date.now() > deadline) throw new Error(`${what}: not within ${withinMs} ms`)
		await sleep(50)
	}
}
