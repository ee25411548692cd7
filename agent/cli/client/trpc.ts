import { z } from 'zod'
import { LatticeError } from '../../protocol/index.ts'
import { requestEvents, requestJson, TrpcError } from './http.ts'

/**
 * tRPC's HTTP protocol, as far as the CLI speaks it (https://trpc.io/docs/rpc). Its own client would bring the types of
 * app/, which the agent's side may not import, and needs an EventSource that Node does not have.
 */
export interface TrpcOptions {
	bearer?: string
	signal?: AbortSignal
}

function procedureUrl(origin: URL, procedure: string, input?: unknown): URL {
	const url = new URL(`/api/trpc/${procedure}`, origin)
	if (input !== undefined) url.searchParams.set('input', JSON.stringify(input))
	return url
}

export async function trpcQuery<T>(
	origin: URL,
	procedure: string,
	input: unknown,
	output: z.ZodType<T>,
	options: TrpcOptions = {},
): Promise<T> {
	return resultOf(await requestJson(procedureUrl(origin, procedure, input), options), output, procedure)
}

export async function trpcMutation<T>(
	origin: URL,
	procedure: string,
	input: unknown,
	output: z.ZodType<T>,
	options: TrpcOptions = {},
): Promise<T> {
	const answer = await requestJson(procedureUrl(origin, procedure), { ...options, method: 'POST', body: input })
	return resultOf(answer, output, procedure)
}

/** Subscriptions are server-sent events: plain messages are data, named ones are tRPC's own. */
export async function* trpcSubscription<T>(
	origin: URL,
	procedure: string,
	input: unknown,
	output: z.ZodType<T>,
	options: TrpcOptions = {},
): AsyncGenerator<T> {
	for await (const { event, data } of requestEvents(procedureUrl(origin, procedure, input), options)) {
		if (event === 'return') return
		if (event === 'serialized-error') throw streamFailure(JSON.parse(data))
		if (event === 'message') yield checked(output, JSON.parse(data), procedure)
	}
}

function streamFailure(value: unknown): LatticeError {
	const parsed = TrpcError.safeParse(value)
	if (parsed.success) {
		const { message, data } = parsed.data
		return LatticeError.fromWire({ message, ...data.lattice })
	}
	return new LatticeError('INTERNAL', 'The console broke off; its log has the cause.', {}, { cause: parsed.error })
}

function resultOf<T>(answer: unknown, output: z.ZodType<T>, procedure: string): T {
	const parsed = z.object({ result: z.object({ data: z.unknown() }) }).safeParse(answer)
	if (!parsed.success) throw strange(procedure, parsed.error)
	return checked(output, parsed.data.result.data, procedure)
}

function checked<T>(output: z.ZodType<T>, value: unknown, procedure: string): T {
	const parsed = output.safeParse(value)
	if (!parsed.success) throw strange(procedure, parsed.error)
	return parsed.data
}

function strange(procedure: string, cause: unknown): LatticeError {
	return new LatticeError(
		'PROTOCOL_ERROR',
		`The console answered ${procedure} in a way this release does not understand; update the older of the two.`,
		{ procedure },
		{ cause },
	)
}
