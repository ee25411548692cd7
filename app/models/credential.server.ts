import type { Queries } from './database.server.ts'

export async function findCredential(queries: Queries, workloadId: string): Promise<string | null> {
	const row = await queries.credential.findUnique({ where: { workloadId }, select: { sealed: true } })
	return row?.sealed ?? null
}

export async function saveCredential(
	queries: Queries,
	credential: { workloadId: string; keyId: string; sealed: string },
): Promise<void> {
	const { workloadId, keyId, sealed } = credential
	await queries.credential.upsert({ where: { workloadId }, create: credential, update: { keyId, sealed } })
}

/** Those sealed under another key than the active one, for a rotation of the master key. */
export async function credentialsToReseal(queries: Queries, activeKeyId: string, limit: number) {
	return queries.credential.findMany({
		where: { keyId: { not: activeKeyId } },
		select: { workloadId: true, sealed: true },
		take: limit,
	})
}
