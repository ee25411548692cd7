import { type TRPC_ERROR_CODE_KEY, TRPCError } from '@trpc/server'
import { type ErrorCode, LatticeError } from '../../agent/protocol/index.ts'

/** tRPC's own words for our HTTP statuses; where it has none the status itself is set beside it (`statusOfErrors`). */
const TRPC_CODES: Record<number, TRPC_ERROR_CODE_KEY> = {
	400: 'BAD_REQUEST',
	401: 'UNAUTHORIZED',
	403: 'FORBIDDEN',
	404: 'NOT_FOUND',
	405: 'METHOD_NOT_SUPPORTED',
	409: 'CONFLICT',
	410: 'NOT_FOUND',
	413: 'PAYLOAD_TOO_LARGE',
	422: 'UNPROCESSABLE_CONTENT',
	429: 'TOO_MANY_REQUESTS',
	499: 'CLIENT_CLOSED_REQUEST',
	502: 'BAD_GATEWAY',
	503: 'SERVICE_UNAVAILABLE',
	504: 'GATEWAY_TIMEOUT',
}

/** What tRPC refuses before any procedure runs. */
const OWN_CODES: Partial<Record<TRPC_ERROR_CODE_KEY, ErrorCode>> = {
	PARSE_ERROR: 'INVALID_INPUT',
	BAD_REQUEST: 'INVALID_INPUT',
	UNSUPPORTED_MEDIA_TYPE: 'INVALID_INPUT',
	NOT_FOUND: 'NOT_FOUND',
	METHOD_NOT_SUPPORTED: 'METHOD_NOT_ALLOWED',
	PAYLOAD_TOO_LARGE: 'PAYLOAD_TOO_LARGE',
	CLIENT_CLOSED_REQUEST: 'CANCELLED',
}

export function toTrpcError(thrown: unknown): TRPCError {
	const error = LatticeError.from(thrown)
	const code = TRPC_CODES[error.status] ?? 'INTERNAL_SERVER_ERROR'
	return new TRPCError({ code, message: error.message, cause: error })
}

/** The project's error behind any error of tRPC. */
export function latticeErrorOf(error: TRPCError): LatticeError {
	if (error.cause instanceof LatticeError) return error.cause
	const own = OWN_CODES[error.code]
	return own ? new LatticeError(own, sentence(error.message)) : LatticeError.from(error.cause ?? error)
}

/** One status for the answer: that of its errors when they agree. */
export function statusOfErrors(errors: readonly TRPCError[]): number | undefined {
	const statuses = new Set(errors.map((error) => latticeErrorOf(error).status))
	const [only] = statuses
	return statuses.size === 1 ? only : undefined
}

function sentence(message: string): string {
	return /[.!?]$/.test(message) ? message : `${message}.`
}
