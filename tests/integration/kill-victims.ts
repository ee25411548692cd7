import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Stack } from './stack-fixture.ts'
import { until } from './until.ts'

export const VICTIMS = ['agent', 'console', 'postgres'] as const
export type Victim = (typeof VICTIMS)[number]

const LOG_TAIL = 30

/** Resolves once another process has taken the place of the one that was killed, and everything serves. */
export async function recovered(stack: Stack, victim: Victim, killed: number, withinMs: number): Promise<void> {
	await until(`a new ${victim}`, withinMs, () => ![null, killed].includes(stack.pidOf(victim)))
	await until(`the stack serving after the ${victim} was killed`, withinMs, async () => {
		const urls = [`${stack.consoleUrl}/readyz`, `${stack.agentUrl}/healthz`]
		return (await Promise.all(urls.map(answers))).every(Boolean)
	})
}

async function answers(url: string): Promise<boolean> {
	try {
		return (await fetch(url, { signal: AbortSignal.timeout(2000) })).ok
	} catch {
		return false // refused while it starts
	}
}

/** What its parts logged last, for the message of a failure. */
export function lastWords(stack: Stack): string {
	const folder = join(stack.home, 'logs')
	return readdirSync(folder)
		.sort()
		.map((name) => {
			const lines = readFileSync(join(folder, name), 'utf8').trimEnd().split('\n')
			return `── ${name}\n${lines.slice(-LOG_TAIL).join('\n')}`
		})
		.join('\n')
}
