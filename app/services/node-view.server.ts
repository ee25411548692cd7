import type { Node, NodeView } from '../../agent/protocol/index.ts'

/** A node as API callers see it (contract.md). */
export function nodeOf(view: NodeView): Node {
	const { status, liveness, lastSeenAt } = view
	const { peerId, name, labels, capacity, allocated, arch, engine, gateway } = status
	return { peerId, name, status: liveness, labels, capacity, allocated, arch, engine, gateway, lastSeenAt }
}
