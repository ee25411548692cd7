import { z } from 'zod'

/** The part of a challenge's path that names it (RFC 8555, 8.3): base64url. */
export const ChallengeToken = z.string().regex(/^[A-Za-z0-9_-]{1,128}$/)

/** An ACME server may come to any gateway that a name leads to; only the one that ordered knows what to answer. */
export const ChallengeRequest = z.object({ token: ChallengeToken })
export type ChallengeRequest = z.infer<typeof ChallengeRequest>

/** null: it has no such order */
export const ChallengeAnswer = z.object({ answer: z.string().max(256).nullable() })
export type ChallengeAnswer = z.infer<typeof ChallengeAnswer>
