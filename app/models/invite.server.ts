import { Labels } from '../../agent/protocol/index.ts'
import { type Database, inTransaction, type Queries } from './database.server.ts'

export interface InviteRecord {
	id: string
	sealedKey: string
	labels: Labels
	expiresAt: Date
	/** null: the console itself, for the agent beside it */
	createdBy: string | null
}

export async function createInvite(queries: Queries, invite: InviteRecord & { uses: number }): Promise<void> {
	await queries.invite.create({ data: invite })
}

export async function findInvite(queries: Queries, id: string): Promise<InviteRecord | null> {
	const row = await queries.invite.findUnique({ where: { id } })
	return row && { ...row, labels: Labels.parse(row.labels) }
}

/**
 * Spends one use of the invite for this peer; a peer that has spent one already is let through again, also after its
 * end. The conditional update lets no more than `uses` peers through, however many ask at once.
 */
export async function redeemInvite(
	database: Database,
	redemption: { inviteId: string; peerId: string; name: string },
	isOver: boolean,
): Promise<'redeemed' | 'expired' | 'used'> {
	const { inviteId, peerId } = redemption
	return inTransaction(database, async (queries) => {
		// The lock makes two tries of one peer wait for each other: the second finds the redemption of the first.
		await queries.$queryRaw`SELECT 1 FROM "Invite" WHERE id = ${inviteId} FOR UPDATE`
		const known = await queries.redemption.findUnique({ where: { inviteId_peerId: { inviteId, peerId } } })
		if (known) return 'redeemed'
		if (isOver) return 'expired'
		const { count } = await queries.invite.updateMany({
			where: { id: inviteId, used: { lt: queries.invite.fields.uses } },
			data: { used: { increment: 1 } },
		})
		if (count === 0) return 'used'
		await queries.redemption.create({ data: redemption })
		return 'redeemed'
	})
}
