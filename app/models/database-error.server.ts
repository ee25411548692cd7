import { LatticeError } from '../../agent/protocol/index.ts'

/** Prisma's codes for "no answer from the server": unreachable, timed out, closed, pool exhausted. */
const PRISMA_UNAVAILABLE = new Set(['P1000', 'P1001', 'P1002', 'P1003', 'P1008', 'P1010', 'P1011', 'P1017', 'P2024'])
const SYSTEM_UNAVAILABLE = new Set([
	'ECONNREFUSED',
	'ECONNRESET',
	'ENOENT',
	'ENOTFOUND',
	'EAI_AGAIN',
	'EHOSTUNREACH',
	'ENETUNREACH',
	'EPIPE',
	'ETIMEDOUT',
])
/** SQLSTATE class 08 is "connection exception"; 57P0x a server that shuts down or starts; 28 and 3D a login it refuses; 53 out of resources. */
const SQLSTATE_UNAVAILABLE = /^(08...|57P0.|28...|3D...|53...)$/
const WORDS_UNAVAILABLE =
	/connection terminated|terminating connection|timeout exceeded when trying to connect|server closed the connection|can't reach database|connection timeout|not queryable|cannot use a pool after/i

/** A database that does not answer is DATABASE_UNAVAILABLE with its remedy; everything else stays what it was. */
export function databaseError(thrown: unknown): unknown {
	if (thrown instanceof LatticeError) return thrown
	for (const cause of causes(thrown)) {
		if (isUnavailable(cause)) {
			return new LatticeError(
				'DATABASE_UNAVAILABLE',
				'The database does not answer. Workloads go on; check that PostgreSQL runs and that DATABASE_URL is right, then try again.',
				{},
				{ cause: thrown },
			)
		}
	}
	return thrown
}

/** Whether it is a unique index that refused the row. */
export function isUniqueViolation(thrown: unknown): boolean {
	return causes(thrown).some((cause) => codeOf(cause) === 'P2002' || codeOf(cause) === '23505')
}

/** Whether the row that it belongs to is not there. */
export function isForeignKeyViolation(thrown: unknown): boolean {
	return causes(thrown).some((cause) => codeOf(cause) === 'P2003' || codeOf(cause) === '23503')
}

function isUnavailable(cause: unknown): boolean {
	const code = codeOf(cause)
	if (code && (PRISMA_UNAVAILABLE.has(code) || SYSTEM_UNAVAILABLE.has(code) || SQLSTATE_UNAVAILABLE.test(code))) {
		return true
	}
	return cause instanceof Error && WORDS_UNAVAILABLE.test(cause.message)
}

/** The error and what it wraps: Prisma keeps the driver's error in `cause` or `meta.driverAdapterError`, Node in `errors`. */
function causes(thrown: unknown, depth = 0): unknown[] {
	if (depth > 4 || typeof thrown !== 'object' || thrown === null) return []
	const inner: unknown[] = []
	if ('cause' in thrown) inner.push(thrown.cause)
	if ('errors' in thrown && Array.isArray(thrown.errors)) inner.push(...thrown.errors)
	if ('meta' in thrown && typeof thrown.meta === 'object' && thrown.meta && 'driverAdapterError' in thrown.meta) {
		inner.push(thrown.meta.driverAdapterError)
	}
	return [thrown, ...inner.flatMap((cause) => causes(cause, depth + 1))]
}

function codeOf(cause: unknown): string | null {
	if (typeof cause !== 'object' || cause === null) return null
	if ('code' in cause && typeof cause.code === 'string') return cause.code
	if ('originalCode' in cause && typeof cause.originalCode === 'string') return cause.originalCode
	return null
}
