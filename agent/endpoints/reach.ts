import type { Endpoint } from '../protocol/index.ts'

/** The order of contract.md's `publicUrl`: what reaches farthest comes first. */
const REACH: readonly Endpoint['kind'][] = ['ngrok', 'gateway', 'lan', 'host', 'mesh']

export function bestFirst(endpoints: readonly Endpoint[]): Endpoint[] {
	return [...endpoints].sort((a, b) => REACH.indexOf(a.kind) - REACH.indexOf(b.kind))
}
