import { z } from 'zod'

/** What a node measured when it dialled an endpoint. Milliseconds from the first byte of the look-up on. */
export const Measured = z.object({
	/** a connection was made, and, for HTTP, an answer came */
	answered: z.boolean(),
	/** of the host name; null for an address */
	resolvedMs: z.number().nullable(),
	connectedMs: z.number().nullable(),
	/** HTTP only: until the first byte of the answer */
	answeredMs: z.number().nullable(),
	httpStatus: z.number().int().nullable(),
	/** what went wrong, as a sentence */
	problem: z.string().nullable(),
})
export type Measured = z.infer<typeof Measured>

/** What the node that dialled an endpoint measured. */
export const Probed = Measured.extend({
	url: z.string(),
	/** the node that dialled */
	from: z.object({ peerId: z.string(), name: z.string() }),
	/** it is another machine than those that serve the endpoint */
	isElsewhere: z.boolean(),
})
export type Probed = z.infer<typeof Probed>
