import { z } from 'zod'
import type { Sample } from '../../agent/protocol/index.ts'

const Share = z.number().min(0.1, 'is at least 10 %').max(1, 'is at most 100 %')

/** Shares of what there is; above one of them for `minutes` on end, a node or workload is marked. */
export const Thresholds = z.strictObject({
	cpu: Share.default(0.9),
	memory: Share.default(0.9),
	disk: Share.default(0.85),
	minutes: z.number().int('is in whole minutes').min(1, 'is at least 1').max(60, 'is at most 60').default(5),
})
export type Thresholds = z.infer<typeof Thresholds>

export type AlertMetric = 'cpu' | 'memory' | 'disk'

/** `id` is the node's peer id or the workload's id. */
export interface Alert {
	id: string
	kind: 'node' | 'workload'
	metric: AlertMetric
	/** the mean over those minutes */
	share: number
	threshold: number
	/** of a workload: which replica, on which node */
	replica: number | null
	node: string
}

const MEASURES: readonly {
	metric: AlertMetric
	used: (sample: Sample) => number | null
	limit: (sample: Sample) => number | null
}[] = [
	{ metric: 'cpu', used: (sample) => sample.cpu, limit: (sample) => sample.cpuLimit },
	{ metric: 'memory', used: (sample) => sample.memoryBytes, limit: (sample) => sample.memoryLimitBytes },
	{ metric: 'disk', used: (sample) => sample.diskBytes, limit: (sample) => sample.diskLimitBytes },
]

/** Of one subject's minutes, oldest first. Fewer than asked for alert to nothing: a start is no lasting load. */
export function alertsOf(minutes: readonly Sample[], node: string, thresholds: Thresholds): Alert[] {
	const recent = minutes.slice(-thresholds.minutes)
	const [last] = recent.slice(-1)
	if (!last || recent.length < thresholds.minutes) return []
	return MEASURES.flatMap(({ metric, used, limit }) => {
		const shares = recent.map((sample) => {
			const [value, of] = [used(sample), limit(sample)]
			return value === null || of === null || of <= 0 ? null : value / of
		})
		const threshold = thresholds[metric]
		if (!shares.every((share) => share !== null && share > threshold)) return []
		const share = shares.reduce<number>((sum, each) => sum + (each ?? 0), 0) / shares.length
		const { workloadId, replica } = last
		const kind = workloadId === null ? ('node' as const) : ('workload' as const)
		return [{ id: workloadId ?? node, kind, metric, share, threshold, replica, node }]
	})
}
