import type { Libp2p } from 'libp2p'

/** The types of libp2p that this room uses, by way of its one public class, so that no inner package is named. */
export type Connection = ReturnType<Libp2p['getConnections']>[number]
export type Stream = Awaited<ReturnType<Connection['newStream']>>
