/**
 * Being reached through others: whether one needs it, and the places kept at relays. agent/mesh/relays.ts decides when.
 */
export interface RelayTransport {
	/** Asks that member to dial this peer. HOST_UNREACHABLE when the member itself cannot be asked. */
	dialBack(peerId: string): Promise<boolean>
	/** A place at that member, through which others reach this peer; kept and renewed while the connection lasts. */
	reserve(peerId: string): Promise<void>
	/** relays at which this peer has a place now */
	reserved(): string[]
	/** A place was won or lost. */
	onReserved(listener: () => void): () => void
}
