import { type Context, Hono } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import { streamSSE } from 'hono/streaming'
import type { ContentfulStatusCode } from 'hono/utils/http-status'
import { z } from 'zod'
import type { Authority } from '../commands/authority.ts'
import { DeployInput } from '../commands/deploying.ts'
import type { Entry } from '../commands/entry.ts'
import { resultOf } from '../commands/results.ts'
import {
	type CommandFrame,
	CommandId,
	type CommandResult,
	LatticeError,
	LIMITS,
	parseInput,
	type Workload,
} from '../protocol/index.ts'

export interface RestModules {
	entry: Entry
	/** verifies a bearer token and strips its seed */
	authority: (bearer: string) => Promise<Authority>
	metrics: () => Promise<string>
	log: { error(facts: object, message: string): void }
}

type Env = { Variables: { authority: Authority } }

const Query = z.object({
	lines: z.coerce.number().int().min(0).max(100_000).default(200),
	follow: z.enum(['0', '1']).default('0'),
	wait: z.enum(['0', '1']).default('1'),
	volumes: z.enum(['0', '1']).default('1'),
	replica: z.coerce.number().int().min(0).optional(),
})

const ScaleBody = z.strictObject({ replicas: z.number().int().min(1).max(100) })

/** The agent's REST (contract.md): thin routes over the same entry that the mesh and the CLI use. */
export function restApi(modules: RestModules): Hono<Env> {
	const { entry } = modules
	const api = new Hono<Env>()

	api.onError((thrown, context) => {
		const error = LatticeError.from(thrown)
		if (error.code === 'INTERNAL') modules.log.error({ err: thrown }, 'a request failed inside')
		return context.json({ error: error.toJSON() }, error.status as ContentfulStatusCode, retryHeader(error))
	})
	api.notFound((context) => {
		const error = new LatticeError(
			'NOT_FOUND',
			`There is no ${context.req.method} ${context.req.path}; docs/api.md lists the routes.`,
		)
		return context.json({ error: error.toJSON() }, 404)
	})

	api.get('/healthz', (context) => context.json({ status: 'ok' }))
	api.get('/metrics', async (context) => context.text(await modules.metrics()))

	api.use('/api/*', bodyLimit({ maxSize: LIMITS.bodyBytes, onError: tooLarge }))
	api.use('/api/*', async (context, next) => {
		const header = context.req.header('authorization') ?? ''
		const [scheme, bearer] = header.split(' ')
		if (scheme?.toLowerCase() !== 'bearer' || !bearer) {
			throw new LatticeError(
				'UNAUTHENTICATED',
				'Send your access token: Authorization: Bearer TOKEN (`lattice login` gets one).',
			)
		}
		context.set('authority', await modules.authority(bearer))
		await next()
	})

	api.get('/api/nodes', (context) => context.json(entry.nodes()))
	api.get('/api/usage', async (context) => context.json(await entry.usage(context.var.authority)))
	api.get('/api/nodes/:peerId/peers', async (context) =>
		context.json(await entry.peers(context.var.authority, context.req.param('peerId'), context.req.raw.signal)),
	)
	api.get('/api/workloads', (context) =>
		context.json(entry.list(context.var.authority).map((report) => entry.view(report))),
	)
	api.get('/api/workloads/:id', async (context) => context.json(await current(context, entry)))

	api.post('/api/workloads/deploy', async (context) => {
		const body = parseInput(DeployInput, await jsonBody(context))
		const key = context.req.header('idempotency-key')
		const commandId = key === undefined ? body.commandId : parseInput(CommandId, key, ['Idempotency-Key'])
		const query = parseInput(Query, context.req.query())
		const frames = entry.deploy(context.var.authority, { ...body, commandId }, context.req.raw.signal)
		if (wantsEvents(context)) return eventStream(context, entry, frames)
		if (query.wait === '1') return context.json(workloadFrom(entry, await resultOf(frames)), 201)
		return context.json(await accepted(entry, frames, () => findByName(context, entry, body.name)), 202)
	})

	api.post('/api/workloads/dry-run', async (context) => {
		const { chosen, candidates, rejected } = entry.dryRun(context.var.authority, await jsonBody(context))
		return context.json({ chosen, candidates, rejected })
	})

	api.post('/api/workloads/:id/scale', async (context) => {
		const { id } = entry.resolve(context.var.authority, context.req.param('id'))
		const { replicas } = parseInput(ScaleBody, await jsonBody(context))
		const order = { replicas, commandId: commandIdOf(context) }
		const frames = entry.scale(context.var.authority, id, order, context.req.raw.signal)
		if (wantsEvents(context)) return eventStream(context, entry, frames)
		return context.json(workloadFrom(entry, await resultOf(frames)))
	})

	api.post('/api/workloads/:id/:action{start|stop|restart}', async (context) => {
		const { id } = entry.resolve(context.var.authority, context.req.param('id'))
		const action = context.req.param('action') as 'start' | 'stop' | 'restart'
		const frames = entry.change(context.var.authority, action, id, commandIdOf(context), context.req.raw.signal)
		if (wantsEvents(context)) return eventStream(context, entry, frames)
		return context.json(workloadFrom(entry, await resultOf(frames)))
	})

	api.delete('/api/workloads/:id', async (context) => {
		const report = entry.resolve(context.var.authority, context.req.param('id'))
		const query = parseInput(Query, context.req.query())
		await resultOf(
			entry.remove(
				context.var.authority,
				report.id,
				query.volumes === '1',
				commandIdOf(context),
				context.req.raw.signal,
			),
		)
		return context.json({ ...entry.view(report), status: 'deleting' as const, publicUrl: null, endpoints: [] })
	})

	api.get('/api/workloads/:id/logs', async (context) => {
		const { id: workloadId } = entry.resolve(context.var.authority, context.req.param('id'))
		const query = parseInput(Query, context.req.query())
		const follow = query.follow === '1'
		const command = { kind: 'logs', workloadId, replica: query.replica ?? null, tail: query.lines, follow } as const
		const frames = entry.read(context.var.authority, command, context.req.raw.signal)
		if (follow || wantsEvents(context)) return eventStream(context, entry, frames)
		const lines = []
		for await (const frame of frames) {
			if (frame.type === 'error') throw LatticeError.fromWire(frame.error)
			if (frame.type === 'logs') lines.push(...frame.lines)
		}
		lines.sort((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : 0))
		return context.json({ lines: lines.slice(-query.lines || undefined) })
	})

	api.get('/api/workloads/:id/stats', async (context) => {
		const { id: workloadId } = entry.resolve(context.var.authority, context.req.param('id'))
		const follow = parseInput(Query, context.req.query()).follow === '1'
		const frames = entry.read(context.var.authority, { kind: 'stats', workloadId, follow }, context.req.raw.signal)
		if (follow || wantsEvents(context)) return eventStream(context, entry, frames)
		const samples = []
		for await (const frame of frames) {
			if (frame.type === 'error') throw LatticeError.fromWire(frame.error)
			if (frame.type === 'stats') samples.push(...frame.samples)
		}
		return context.json({ samples })
	})

	api.get('/api/workloads/:id/events', (context) => {
		const { id: workloadId } = entry.resolve(context.var.authority, context.req.param('id'))
		return eventStream(
			context,
			entry,
			entry.read(context.var.authority, { kind: 'events', workloadId, follow: true }, context.req.raw.signal),
		)
	})

	api.get('/api/workloads/:id/explain', (context) => {
		const { placement } = entry.resolve(context.var.authority, context.req.param('id'))
		const { chosen, candidates, rejected } = placement
		return context.json({ chosen, candidates, rejected })
	})

	return api
}

/** Each frame is one event named by its type; the last is `result` or `error`. A comment each 15 s keeps proxies from closing it. */
function eventStream(context: Context, entry: Entry, frames: AsyncIterable<CommandFrame>) {
	return streamSSE(context, async (stream) => {
		const beat = setInterval(() => void stream.write(': beat\n\n'), 15_000)
		try {
			for await (const frame of frames) {
				if (stream.aborted) break
				const { type, ...body } = frame
				await stream.writeSSE({ event: type, data: JSON.stringify(sseBody(entry, type, body)) })
			}
		} catch (thrown) {
			await stream.writeSSE({ event: 'error', data: JSON.stringify(LatticeError.from(thrown).toJSON()) })
		} finally {
			clearInterval(beat)
		}
	})
}

function sseBody(entry: Entry, type: CommandFrame['type'], body: object): unknown {
	if (type === 'event' && 'event' in body) return body.event
	if (type === 'error' && 'error' in body) return body.error
	if (type === 'logs' && 'lines' in body) return { lines: body.lines }
	if (type === 'stats' && 'samples' in body) return { samples: body.samples }
	if (type === 'result' && 'result' in body) {
		const result = body.result as CommandResult
		return result.report ? entry.view(result.report, result.credentials) : {}
	}
	return body
}

async function current(context: Context<Env>, entry: Entry): Promise<Workload> {
	const { authority } = context.var
	const report = entry.resolve(authority, context.req.param('id') ?? '')
	const result = await entry.get(authority, report.id, true, context.req.raw.signal)
	return entry.view(result.report ?? report, result.credentials)
}

/** `?wait=0`: the order was taken, the rest shows in status. The host goes on when this request ends. */
async function accepted(
	entry: Entry,
	frames: AsyncIterable<CommandFrame>,
	look: () => Workload | null,
): Promise<Workload> {
	for await (const frame of frames) {
		if (frame.type === 'error') throw LatticeError.fromWire(frame.error)
		if (frame.type === 'result') return workloadFrom(entry, frame.result)
		const workload = look()
		if (workload) return workload
	}
	throw new LatticeError(
		'HOST_UNREACHABLE',
		'The host went away before it took the order; ask again with the same Idempotency-Key.',
	)
}

function findByName(context: Context<Env>, entry: Entry, name: string): Workload | null {
	const { authority } = context.var
	const report = entry.list(authority).find((each) => each.name === name && each.owner === authority.subject.userId)
	return report ? entry.view(report) : null
}

function workloadFrom(entry: Entry, result: CommandResult): Workload {
	if (!result.report) throw new LatticeError('PROTOCOL_ERROR', 'The host answered without a report of the workload.')
	return entry.view(result.report, result.credentials)
}

async function jsonBody(context: Context): Promise<unknown> {
	try {
		return await context.req.json()
	} catch (cause) {
		throw new LatticeError('INVALID_INPUT', 'The body is not JSON; send {"name", "type", "config"}.', {}, { cause })
	}
}

function commandIdOf(context: Context): string | undefined {
	const key = context.req.header('idempotency-key')
	return key === undefined ? undefined : parseInput(CommandId, key, ['Idempotency-Key'])
}

function wantsEvents(context: Context): boolean {
	return (context.req.header('accept') ?? '').includes('text/event-stream')
}

function tooLarge(): never {
	throw new LatticeError('PAYLOAD_TOO_LARGE', `The body is over ${LIMITS.bodyBytes} bytes; send less.`, {
		maxBytes: LIMITS.bodyBytes,
	})
}

function retryHeader(error: LatticeError): Record<string, string> {
	const seconds = error.facts.retryAfterSeconds
	return typeof seconds === 'number' ? { 'retry-after': String(seconds) } : {}
}
