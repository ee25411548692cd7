import { z } from 'zod'

/** A member that dials out can be asked to dial back: whether a NAT or a firewall lets it in is seen only from outside. */
export const DialBackRequest = z.object({
	/** where the asker listens; the asked member finds the asker's own key there, or nothing */
	addresses: z.array(z.string().max(256)).min(1).max(8),
})
export type DialBackRequest = z.infer<typeof DialBackRequest>

export const DialBackAnswer = z.object({ reached: z.boolean() })
export type DialBackAnswer = z.infer<typeof DialBackAnswer>
