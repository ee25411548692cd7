import { z } from 'zod'

export const NodeInput = z.strictObject({ peerId: z.string().min(1).max(128) })
export type NodeInput = z.infer<typeof NodeInput>
