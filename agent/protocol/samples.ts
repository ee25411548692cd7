import { z } from 'zod'
import { WireError } from './errors.ts'
import { WorkloadId } from './workload.ts'

const Measured = z.number().nullable()

/**
 * What a machine or one replica used at a moment. Null: this machine cannot say. Rates are bytes a second and `cpu` is
 * cores, so that averages over time mean the same; limits are what there is or what it was given.
 */
export const Sample = z.object({
	/** null: the machine itself */
	workloadId: WorkloadId.nullable(),
	replica: z.number().int().nullable(),
	at: z.string(),
	cpu: Measured,
	cpuLimit: Measured,
	memoryBytes: Measured,
	memoryLimitBytes: Measured,
	/** of the disk where images and volumes live; null for a replica */
	diskBytes: Measured,
	diskLimitBytes: Measured,
	rxRate: Measured,
	txRate: Measured,
	readRate: Measured,
	writeRate: Measured,
})
export type Sample = z.infer<typeof Sample>

/** fine: each 5 s of the last minutes; minute: averages of a day, which bridge a console that was away */
export const Resolution = z.enum(['fine', 'minute'])
export type Resolution = z.infer<typeof Resolution>

/** What one machine and the replicas on it that the caller may see use now. */
export const NodeUsage = z.object({
	node: z.object({ peerId: z.string(), name: z.string() }),
	/** one of each subject */
	samples: z.array(Sample),
	/** why there are none: the node did not answer, or refused */
	error: WireError.nullable(),
})
export type NodeUsage = z.infer<typeof NodeUsage>

/** Asking for this much past finds at least one sample of everything that is there. */
export const USAGE_WINDOW_MS = 15_000

/** Of each subject the newest, of those that are no older than two rounds before the newest of all. */
export function newestSamples(samples: readonly Sample[]): Sample[] {
	const newest = new Map<string, Sample>()
	for (const sample of samples) {
		const key = `${sample.workloadId ?? ''}/${sample.replica ?? ''}`
		const known = newest.get(key)
		if (!known || sample.at > known.at) newest.set(key, sample)
	}
	const last = Math.max(...[...newest.values()].map(({ at }) => Date.parse(at)))
	return [...newest.values()].filter(({ at }) => last - Date.parse(at) < USAGE_WINDOW_MS)
}
