import { createHash } from 'node:crypto'

const LENGTH = 20
const SPACE = 36n ** BigInt(LENGTH)

/**
 * The id of what an order makes, from the order alone: 103 bits. Whoever reserves it, the console or a steward that
 * cannot ask the console, comes to the same id, so that an order repeated elsewhere is never a second workload. The
 * owner is part of it: nobody can take the id of another's order.
 */
export function workloadIdOf(owner: string, commandId: string): string {
	const digest = createHash('sha256')
		.update(JSON.stringify(['workload', owner, commandId]))
		.digest('hex')
	return `w_${(BigInt(`0x${digest}`) % SPACE).toString(36).padStart(LENGTH, '0')}`
}
