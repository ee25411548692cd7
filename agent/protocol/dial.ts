import { z } from 'zod'
import { WorkloadId } from './workload.ts'

/** SHA-256 of a TLS certificate (DER), in hex: certificates of the data plane are pinned, never chained. */
export const Fingerprint = z.string().regex(/^[0-9a-f]{64}$/, 'is not a SHA-256 in lower-case hex')
export type Fingerprint = z.infer<typeof Fingerprint>

/** 16 random bytes in base64url: names a lease, or a promise of ready connections. */
export const Ticket = z.string().regex(/^[A-Za-z0-9_-]{22}$/, 'is not a ticket')
export type Ticket = z.infer<typeof Ticket>

export const SocketAddress = z.object({ host: z.string().max(255), port: z.number().int().min(1).max(65_535) })
export type SocketAddress = z.infer<typeof SocketAddress>

/** What a user's grant is signed over. The certificate is the caller's own, so that nobody on the way can put theirs. */
export const DialCommand = z.object({
	kind: z.literal('dial'),
	workloadId: WorkloadId,
	replica: z.number().int().min(0),
	/** the port inside the container, as the workload declares it */
	container: z.number().int().min(1).max(65_535),
	certificate: Fingerprint,
})
export type DialCommand = z.infer<typeof DialCommand>

export const DialRequest = z.object({
	dial: DialCommand,
	/** null: the caller asks as a gateway, on the word of its membership certificate */
	authority: z.object({ credential: z.string().max(8192), grant: z.string().max(4096) }).nullable(),
})
export type DialRequest = z.infer<typeof DialRequest>

/** Good for new connections to that one port, from the caller's peer or under its certificate, for `seconds`. */
export const DialGranted = z.object({
	lease: Ticket,
	seconds: z.number(),
	/** of the host: what its data port must show */
	certificate: Fingerprint,
	/** where its data port may be reached, and where it may not */
	addresses: z.array(SocketAddress).max(64),
})
export type DialGranted = z.infer<typeof DialGranted>

/** From a peer that holds a lease: dial my data port and keep the connections there until I use them. */
export const ReadyRequest = z.object({
	ticket: Ticket,
	count: z.number().int().min(1).max(256),
	certificate: Fingerprint,
	addresses: z.array(SocketAddress).min(1).max(64),
})
export type ReadyRequest = z.infer<typeof ReadyRequest>

/** Said before any of them is dialled: whether an address answers is seen by its owner alone. */
export const ReadyPromised = z.object({ count: z.number().int().min(0) })
export type ReadyPromised = z.infer<typeof ReadyPromised>
