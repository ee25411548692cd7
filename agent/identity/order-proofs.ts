export type Chosen = readonly { replica: number; node: { peerId: string } }[]

/** Replica indexes by the peer that runs them. */
export type Hosts = Record<string, number[]>

export function hostsOf(chosen: Chosen): Hosts {
	const hosts = Map.groupBy(chosen, ({ node }) => node.peerId)
	return Object.fromEntries([...hosts].map(([peerId, mine]) => [peerId, mine.map(({ replica }) => replica)]))
}

/** What the owner of an order grants (audience: the lattice) so that a member can reserve the name for it. */
export function warrantOf(order: { owner: string; name: string; commandId: string; workloadId: string }) {
	const { owner, name, commandId, workloadId } = order
	return { kind: 'reserve', owner, name, commandId, workloadId }
}
