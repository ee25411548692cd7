import { createHash, randomBytes, randomUUID } from 'node:crypto'
import { canonicalJson } from '../identity/index.ts'
import type { Command } from '../protocol/index.ts'

const ALPHABET = '0123456789abcdefghijklmnopqrstuvwxyz'

/** 20 characters of 36: 103 bits. */
export function newWorkloadId(): string {
	let id = 'w_'
	while (id.length < 22) {
		for (const byte of randomBytes(32)) {
			// 252 = 7 × 36: the bytes above would favour the first letters.
			if (byte < 252 && id.length < 22) id += ALPHABET[byte % 36]
		}
	}
	return id
}

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
	const order =
		command.kind === 'deploy' || command.kind === 'claim'
			? { ...given, kind: 'deploy', replicas: null }
			: { ...given, workloadId }
	return createHash('sha256').update(canonicalJson({ order, subject })).digest('base64url')
}
