import { z } from 'zod'
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
