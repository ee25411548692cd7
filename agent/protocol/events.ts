import { z } from 'zod'
import { WireError } from './errors.ts'
import { Placement } from './placement.ts'
import { WorkloadId } from './workload.ts'

export const PHASES = [
	'accepted',
	'placed',
	'pulling',
	'pulled',
	'creating',
	'created',
	'starting',
	'started',
	'running',
	'unhealthy',
	'stopping',
	'stopped',
	'restarting',
	'deleting',
	'deleted',
	'failed',
] as const
export const Phase = z.enum(PHASES)
export type Phase = z.infer<typeof Phase>

/** Bytes of a pull over all layers; `totalBytes` grows while the engine learns of layers, so `percent` is a floor. */
export const PullProgress = z.object({
	image: z.string(),
	currentBytes: z.number(),
	totalBytes: z.number(),
	percent: z.number().min(0).max(100),
	layersDone: z.number().int(),
	layers: z.number().int(),
})
export type PullProgress = z.infer<typeof PullProgress>

/** What happened to a workload on its host. The same events drive the CLI's bar, the page's timeline and the audit. */
export const WorkloadEvent = z.object({
	/** rises per host; with the node it names the event */
	seq: z.number().int(),
	at: z.string(),
	node: z.string(),
	workloadId: WorkloadId,
	commandId: z.string().nullable(),
	replica: z.number().int().nullable(),
	phase: Phase,
	message: z.string().nullable(),
	progress: PullProgress.nullable().default(null),
	placement: Placement.nullable().default(null),
	error: WireError.nullable().default(null),
})
export type WorkloadEvent = z.infer<typeof WorkloadEvent>
