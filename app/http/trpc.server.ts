import { fetchRequestHandler } from '@trpc/server/adapters/fetch'
import type { Context } from 'hono'
import type { ContentfulStatusCode } from 'hono/utils/http-status'
import { LatticeError, LIMITS } from '../../agent/protocol/index.ts'
import type { Services } from '../services/services.ts'
import { latticeErrorOf, statusOfErrors, toTrpcError } from '../trpc/errors.ts'
import { appRouter } from '../trpc/router.ts'
import type { Metrics } from './metrics.server.ts'

export const TRPC_PATH = '/api/trpc'

export interface TrpcModules {
	services: Services
	metrics: Metrics
	log: { error(facts: object, message: string): void }
}

/** tRPC over fetch: parsing, methods and streaming are its own; status, error shape and log are ours. */
export function trpcHandler({ services, metrics, log }: TrpcModules) {
	return (request: Request, client: { address: string }): Promise<Response> =>
		fetchRequestHandler({
			endpoint: TRPC_PATH,
			req: request,
			router: appRouter,
			createContext: () => {
				const via = request.headers.get('user-agent')?.startsWith('lattice-cli') ? 'cli' : 'api'
				return { services, bearer: bearerOf(request), client: { address: client.address, via } as const }
			},
			responseMeta: ({ errors }) => {
				const status = statusOfErrors(errors)
				const retryAfter = errors.map((error) => latticeErrorOf(error).facts.retryAfterSeconds).find(Number.isInteger)
				return {
					// Answers hold credentials: no cache keeps them.
					headers: {
						'Cache-Control': 'no-store',
						...(retryAfter !== undefined && { 'Retry-After': String(retryAfter) }),
					},
					...(status !== undefined && { status }),
				}
			},
			onError: ({ error, path }) => {
				const lattice = latticeErrorOf(error)
				metrics.countError(lattice.code)
				if (lattice.code === 'INTERNAL') log.error({ path, err: lattice.cause ?? error }, 'a procedure failed')
			},
		})
}

/** A refusal before tRPC has read the request, in the shape that its clients know. */
export function trpcRefusal(c: Context, error: LatticeError, path: string): Response {
	const { code, message, facts, status } = error
	const data = { code: toTrpcError(error).code, httpStatus: status, path, lattice: { code, facts } }
	return c.json({ error: { message, code: -32600, data } }, statusOf(error))
}

/** Hono knows the statuses of the standard; ours are of it, and of nginx (499). */
export function statusOf(error: LatticeError): ContentfulStatusCode {
	return error.status as ContentfulStatusCode
}

export function tooLarge(): LatticeError {
	return new LatticeError(
		'PAYLOAD_TOO_LARGE',
		`A request has at most ${LIMITS.bodyBytes / 1024 / 1024} MiB. Send less.`,
		{
			limitBytes: LIMITS.bodyBytes,
		},
	)
}

function bearerOf(request: Request): string | null {
	return /^Bearer\s+(\S+)$/i.exec(request.headers.get('authorization') ?? '')?.[1] ?? null
}
