import { setTimeout as sleep } from 'node:timers/promises'

/** What an ask that is not yet satisfied saw, for the message when time is up. */
interface Missed {
	missed: string
}

/** Asks until the answer is neither empty nor a miss, and gives it; says what was seen last when time is up. */
export async function until<T>(
	what: string,
	withinMs: number,
	ask: () => T | Promise<T>,
): Promise<NonNullable<Exclude<T, false | Missed>>> {
	const deadline = Date.now() + withinMs
	for (;;) {
		const answer = await ask()
		const missed = isMissed(answer) ? answer.missed : null
		if (answer && missed === null) return answer as NonNullable<Exclude<T, false | Missed>>
		if (Date.now() > deadline) {
			throw new Error(`${what}: not within ${withinMs} ms${missed === null ? '' : `; last seen: ${missed}`}`)
		}
		await sleep(50)
	}
}

function isMissed(answer: unknown): answer is Missed {
	return typeof answer === 'object' && answer !== null && 'missed' in answer
}
