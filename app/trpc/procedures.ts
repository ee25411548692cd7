import { initTRPC } from '@trpc/server'
import { LatticeError } from '../../agent/protocol/index.ts'
import type { Actor, Services } from '../services/services.ts'
import { latticeErrorOf, toTrpcError } from './errors.ts'

export interface TrpcContext {
	services: Services
	/** `Authorization: Bearer …`, as it came */
	bearer: string | null
	client: { address: string; via: 'api' | 'cli' }
}

const PING_MS = 15_000

const trpc = initTRPC.context<TrpcContext>().create({
	// A stack in an answer tells strangers about this machine; the log has it.
	isDev: false,
	errorFormatter: ({ shape, error }) => {
		const lattice = latticeErrorOf(error)
		return {
			...shape,
			message: lattice.message,
			data: { ...shape.data, httpStatus: lattice.status, lattice: { code: lattice.code, facts: lattice.facts } },
		}
	},
	// Proxies cut silent connections after a minute; a client that hears nothing for three pings connects again.
	sse: { ping: { enabled: true, intervalMs: PING_MS }, client: { reconnectAfterInactivityMs: 3 * PING_MS } },
})

export const router = trpc.router

/** Whatever a service throws leaves here with its own code and status. */
export const open = trpc.procedure.use(async ({ next }) => {
	const result = await next()
	// tRPC wraps what a service throws so; its own refusals (a body that is no JSON) have their code already.
	if (!result.ok && result.error.code === 'INTERNAL_SERVER_ERROR') throw toTrpcError(result.error.cause ?? result.error)
	return result
})

export const authed = open.use(async ({ ctx, next }) => {
	const actor: Actor = await actorOf(ctx)
	return next({ ctx: { ...ctx, actor } })
})

async function actorOf({ services, bearer, client }: TrpcContext): Promise<Actor> {
	if (bearer === null) {
		throw new LatticeError('UNAUTHENTICATED', 'This needs a token: send "Authorization: Bearer …" from user.login.')
	}
	return services.accounts.actorOfBearer(bearer, client)
}

/**
 * The services parse every input, for pages and API alike, and answer in the project's error shape. Here an input only
 * gets its type, for typed clients.
 */
export function given<Input>(): (value: unknown) => Input {
	return (value) => value as Input
}
