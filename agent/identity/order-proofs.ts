import { createHash } from 'node:crypto'
import { canonicalJson } from './canonical-json.ts'

export type Chosen = readonly { replica: number; node: { peerId: string } }[]

/** Which replica runs on which peer, and nothing else of a placement. */
export function placementDigest(chosen: Chosen): string {
	const pairs = chosen.map(({ replica, node }) => [replica, node.peerId] as const).sort(([a], [b]) => a - b)
	return createHash('sha256').update(canonicalJson(pairs)).digest('base64url')
}

/** What the owner of an order grants (audience: the lattice) so that a member can reserve the name for it. */
export function warrantOf(order: { owner: string; name: string; commandId: string; workloadId: string }) {
	const { owner, name, commandId, workloadId } = order
	return { kind: 'reserve', owner, name, commandId, workloadId }
}
