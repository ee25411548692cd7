import { createHash, randomUUID } from 'node:crypto'
import { canonicalJson } from '../identity/index.ts'
import type { Command } from '../protocol/index.ts'

export function newCommandId(): string {
	return randomUUID()
}

/**
 * What makes two orders the same order: the parts that the person gave. Placement, claim and grant differ between
 * tries of one order and are left out.
 */
export function orderDigest(command: Command, subject: string): string {
	const {
		placement: _placement,
		claim: _claim,
		workloadId,
		generation: _generation,
		...given
	} = command as Command & Record<string, unknown>
	const order = command.kind === 'deploy' ? { ...given, replicas: null } : { ...given, workloadId }
	return createHash('sha256').update(canonicalJson({ order, subject })).digest('base64url')
}
