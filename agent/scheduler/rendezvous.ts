/** FNV-1a, 32 bit: names are hashed once when a node changes or an order arrives, never inside the ranking. */
export function hashName(name: string): number {
	let hash = 0x811c9dc5
	for (let i = 0; i < name.length; i++) {
		hash ^= name.charCodeAt(i)
		hash = Math.imul(hash, 0x01000193)
	}
	return hash >>> 0
}

/**
 * Rendezvous weight of (order, node) from their hashes: every entry node ranks ties the same way, and different
 * workloads prefer different nodes, so that equal nodes fill evenly without any coordination.
 * The mixer is murmur3's finaliser; without it, neighbouring names give neighbouring weights.
 */
export function rendezvousWeight(orderHash: number, nodeHash: number): number {
	let hash = orderHash ^ nodeHash
	hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
	hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
	return (hash ^ (hash >>> 16)) >>> 0
}
