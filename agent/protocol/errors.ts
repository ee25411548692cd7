import { z } from 'zod'

/**
 * The closed list of what can go wrong, with the HTTP status each becomes.
 * One list for the mesh, REST, tRPC, the CLI and the pages, so that a person reads the same word everywhere.
 */
export const ERROR_STATUS = {
	INVALID_INPUT: 400,
	PROTOCOL_ERROR: 400,
	UNAUTHENTICATED: 401,
	BAD_CREDENTIALS: 401,
	TOKEN_EXPIRED: 401,
	REFRESH_REUSED: 401,
	CERTIFICATE_INVALID: 401,
	CERTIFICATE_EXPIRED: 401,
	FORBIDDEN: 403,
	REVOKED: 403,
	GRANT_INVALID: 403,
	GRANT_EXPIRED: 403,
	GRANT_REPLAYED: 403,
	CLAIM_INVALID: 403,
	INVITE_INVALID: 403,
	NOT_FOUND: 404,
	METHOD_NOT_ALLOWED: 405,
	NAME_TAKEN: 409,
	EMAIL_TAKEN: 409,
	INVITE_USED: 409,
	NO_NODE_FITS: 409,
	NODE_REFUSED: 409,
	PORT_TAKEN: 409,
	STALE_GENERATION: 409,
	COMMAND_MISMATCH: 409,
	WRONG_STATE: 409,
	INVITE_EXPIRED: 410,
	PAYLOAD_TOO_LARGE: 413,
	IMAGE_NOT_FOUND: 422,
	IMAGE_UNSUITABLE: 422,
	CONTAINER_EXITED: 422,
	HEALTH_TIMEOUT: 422,
	RATE_LIMITED: 429,
	CANCELLED: 499,
	INTERNAL: 500,
	HARDENING_MISMATCH: 500,
	INTERRUPTED: 500,
	REGISTRY_UNREACHABLE: 502,
	ENGINE_UNAVAILABLE: 503,
	DATABASE_UNAVAILABLE: 503,
	ISSUER_UNAVAILABLE: 503,
	HOST_UNREACHABLE: 503,
	NOT_READY: 503,
	TIMEOUT: 504,
	DISK_FULL: 507,
} as const

export type ErrorCode = keyof typeof ERROR_STATUS
export const ErrorCode = z.enum(Object.keys(ERROR_STATUS) as [ErrorCode, ...ErrorCode[]])

/** What a field of an input got wrong: `path` as a person would write it (`config.env.FOO`). */
export const InputIssue = z.object({ path: z.string(), message: z.string() })
export type InputIssue = z.infer<typeof InputIssue>

/** Facts are for programs: never a secret, never a stack. */
export const ErrorFacts = z.record(z.string(), z.unknown())
export type ErrorFacts = z.infer<typeof ErrorFacts>

/** The one shape of an error on every wire. `message` is a whole sentence that names the remedy. */
export const WireError = z.object({
	code: ErrorCode,
	message: z.string(),
	facts: ErrorFacts.default({}),
})
export type WireError = z.infer<typeof WireError>

export class LatticeError extends Error {
	override readonly name = 'LatticeError'
	readonly code: ErrorCode
	readonly facts: ErrorFacts

	constructor(code: ErrorCode, message: string, facts: ErrorFacts = {}, options?: ErrorOptions) {
		super(message, options)
		this.code = code
		this.facts = facts
	}

	get status(): number {
		return ERROR_STATUS[this.code]
	}

	toJSON(): WireError {
		return { code: this.code, message: this.message, facts: this.facts }
	}

	static fromWire(error: WireError): LatticeError {
		return new LatticeError(error.code, error.message, error.facts)
	}

	/**
	 * Any thrown value as a LatticeError. An unknown one becomes INTERNAL with a sentence that leaks nothing;
	 * the cause is kept for the log of the process where it happened.
	 */
	static from(thrown: unknown): LatticeError {
		if (thrown instanceof LatticeError) return thrown
		if (thrown instanceof z.ZodError) return invalidInput(thrown)
		return new LatticeError(
			'INTERNAL',
			'Something failed inside Lattice; the log of this node has the cause.',
			{},
			{ cause: thrown },
		)
	}
}

/** A zod failure as INVALID_INPUT that names every field and what it wants. */
export function invalidInput(error: z.ZodError, prefix: readonly PropertyKey[] = []): LatticeError {
	const issues: InputIssue[] = error.issues.map((issue) => ({
		path: [...prefix, ...issue.path].map(String).join('.') || '(input)',
		message: wantOf(issue),
	}))
	const sentence = issues.map((issue) => `${issue.path}: ${issue.message}`).join('; ')
	return new LatticeError('INVALID_INPUT', /[.!?]$/.test(sentence) ? sentence : `${sentence}.`, { issues })
}

/** Of a bad key zod itself says only that it is one; what the key wants is inside. */
function wantOf(issue: z.core.$ZodIssue): string {
	if (issue.code !== 'invalid_key') return issue.message
	return issue.issues.map((inner) => inner.message).join(', ')
}

/** Parse at the door: the value, or INVALID_INPUT naming the field. */
export function parseInput<T>(schema: z.ZodType<T>, value: unknown, prefix: readonly PropertyKey[] = []): T {
	const parsed = schema.safeParse(value)
	if (!parsed.success) throw invalidInput(parsed.error, prefix)
	return parsed.data
}
