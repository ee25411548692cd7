import { z } from 'zod'

/** One reason of a score: `detail` is a sentence for people ("61 % of its memory is free"). */
export const ScoreReason = z.object({ name: z.string(), score: z.number(), detail: z.string() })
export type ScoreReason = z.infer<typeof ScoreReason>

const NodeName = z.object({ peerId: z.string(), name: z.string() })

/** The decision with every score and every rejection, kept for people. It travels with the assignment. */
export const Placement = z.object({
	/** one entry a replica; empty when nothing fits */
	chosen: z.array(z.object({ replica: z.number().int(), node: NodeName })),
	candidates: z.array(z.object({ node: NodeName, score: z.number(), reasons: z.array(ScoreReason) })),
	rejected: z.array(z.object({ node: NodeName, reason: z.string() })),
	/** ISO 8601, and who decided */
	at: z.string(),
	by: z.string(),
})
export type Placement = z.infer<typeof Placement>

/** What a workload asks of a node, from its template and config. */
export const Requirements = z.object({
	memoryBytes: z.number().int().positive(),
	cpus: z.number().positive(),
	replicas: z.number().int().min(1),
	/** label = value; `arch` and `node` are labels every node has */
	constraints: z.record(z.string(), z.string()),
	/** name or peer id of the one node that may run it */
	node: z.string().nullable(),
	image: z.string(),
	volumes: z.boolean(),
})
export type Requirements = z.infer<typeof Requirements>
