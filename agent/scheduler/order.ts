import type { Requirements } from '../protocol/index.ts'

/** What is to be placed: the replica indexes `replicas` of one workload, each on a node of its own choosing. */
export interface Order {
	requirements: Requirements
	/** user id */
	owner: string
	workloadId: string
	replicas: readonly number[]
	/** peer ids that refused this order already, or that the caller rules out */
	exclude?: readonly string[]
}

/** One replica and the node it goes to. */
export interface Choice {
	replica: number
	node: { peerId: string; name: string }
}
