import type { Sample, SampleMetric } from '../../../agent/protocol/index.ts'
import { SAMPLE_METRICS } from '../../../agent/protocol/sample-metrics.ts'

/** Columns over time: seconds since the epoch, then one array a metric. Null where nothing was measured. */
export interface Columns {
	at: number[]
	values: Record<SampleMetric, (number | null)[]>
}

export interface Limits {
	cpu: number | null
	memoryBytes: number | null
}

export const NO_COLUMNS: Columns = columnsOf([])

export function columnsOf(points: readonly ({ at: number } & Record<SampleMetric, number | null>)[]): Columns {
	const values = Object.fromEntries(
		SAMPLE_METRICS.map((metric) => [metric, points.map((point) => point[metric])]),
	) as Columns['values']
	return { at: points.map(({ at }) => at / 1000), values }
}

const BUCKET_MS = 5_000
const KEPT_MS = 10 * 60_000

/** The last minutes of a machine, or of all replicas of a workload together: samples of one 5 s are one point. */
export class Track {
	readonly #buckets = new Map<number, Map<string, Sample>>()
	readonly #limits = new Map<string, Sample>()

	push(samples: readonly Sample[]): void {
		for (const sample of samples) {
			const bucket = Math.floor(Date.parse(sample.at) / BUCKET_MS) * BUCKET_MS
			const of = this.#buckets.get(bucket) ?? new Map<string, Sample>()
			this.#buckets.set(bucket, of)
			const key = String(sample.replica)
			of.set(key, sample)
			this.#limits.set(key, sample)
		}
		const newest = Math.max(...this.#buckets.keys())
		for (const at of this.#buckets.keys()) if (at < newest - KEPT_MS) this.#buckets.delete(at)
	}

	get columns(): Columns {
		const times = [...this.#buckets.keys()].sort((a, b) => a - b)
		return columnsOf(
			times.map((at) => {
				const samples = [...(this.#buckets.get(at)?.values() ?? [])]
				const sums = SAMPLE_METRICS.map((metric) => [metric, sumOf(samples.map((sample) => sample[metric]))])
				return { at, ...(Object.fromEntries(sums) as Record<SampleMetric, number | null>) }
			}),
		)
	}

	/** What there is, or was given to all replicas. */
	get limits(): Limits {
		const samples = [...this.#limits.values()]
		return {
			cpu: sumOf(samples.map(({ cpuLimit }) => cpuLimit)),
			memoryBytes: sumOf(samples.map(({ memoryLimitBytes }) => memoryLimitBytes)),
		}
	}
}

function sumOf(values: readonly (number | null)[]): number | null {
	const known = values.filter((value) => value !== null)
	return known.length === 0 ? null : known.reduce((sum, value) => sum + value, 0)
}
