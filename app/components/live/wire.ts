import type { Node, Workload } from '../../../agent/protocol/index.ts'
import type { LiveEvent } from '../../services/services.ts'
import type { Alert } from '../../services/thresholds.ts'

/** First on every connection: what there is now. So a reader that was away has no gap to ask for. */
export interface Snapshot {
	type: 'snapshot'
	at: string
	workloads: Workload[]
	nodes: Node[]
	alerts: Alert[]
}

export type LiveMessage = LiveEvent | Snapshot
