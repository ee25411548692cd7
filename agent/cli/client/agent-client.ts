import { z } from 'zod'
import { LatticeError, LogLine, Node, NodeUsage, WireError, Workload, WorkloadEvent } from '../../protocol/index.ts'
import { type HttpRequest, requestEvents, requestJson } from './http.ts'
import { Explanation, type Lattice } from './lattice.ts'
import { type Session, withBearer } from './session.ts'

const Workloads = z.array(Workload)
const Nodes = z.array(Node)
const Usage = z.array(NodeUsage)
const Logs = z.object({ lines: z.array(LogLine) })

/** The lattice through the REST of any of its agents. */
export function agentClient(origin: URL, session: Session): Lattice {
	async function call<T>(path: string, output: z.ZodType<T>, request: HttpRequest = {}): Promise<T> {
		const url = new URL(path, origin)
		const answer = await withBearer(session, (bearer) => requestJson(url, { ...request, bearer }))
		const parsed = output.safeParse(answer)
		if (parsed.success) return parsed.data
		throw new LatticeError(
			'PROTOCOL_ERROR',
			`${origin.origin} answered ${path} in a way this release does not understand.`,
			{},
			{ cause: parsed.error },
		)
	}

	/** Each event is named by its type; the last is `result` or `error` (agent/api). */
	async function* stream<T>(path: string, type: string, output: z.ZodType<T>, signal: AbortSignal): AsyncGenerator<T> {
		const bearer = await session.bearer()
		for await (const { event, data } of requestEvents(new URL(path, origin), { bearer, signal })) {
			if (event === 'error') throw LatticeError.fromWire(WireError.parse(JSON.parse(data)))
			if (event === 'result') return
			if (event === type) yield output.parse(JSON.parse(data))
		}
	}

	async function* logBatches(id: string, lines: number, signal: AbortSignal): AsyncGenerator<LogLine[]> {
		for await (const batch of stream(`${at(id)}/logs?lines=${lines}&follow=1`, 'logs', Logs, signal)) yield batch.lines
	}

	const key = (commandId: string) => ({ 'idempotency-key': commandId })
	const at = (id: string) => `/api/workloads/${encodeURIComponent(id)}`

	return {
		where: `the agent at ${origin.origin}`,
		deploy: ({ commandId, ...order }) =>
			call('/api/workloads/deploy?wait=0', Workload, {
				method: 'POST',
				body: order,
				headers: key(commandId),
			}),
		dryRun: (draft) => call('/api/workloads/dry-run', Explanation, { method: 'POST', body: draft }),
		list: () => call('/api/workloads', Workloads),
		get: (id) => call(at(id), Workload),
		change: (verb, id, commandId) => call(`${at(id)}/${verb}`, Workload, { method: 'POST', headers: key(commandId) }),
		delete: (id, { commandId, keepData }) =>
			call(`${at(id)}?volumes=${keepData ? 0 : 1}`, Workload, { method: 'DELETE', headers: key(commandId) }),
		scale: (id, replicas) => call(`${at(id)}/scale`, Workload, { method: 'POST', body: { replicas } }),
		explain: (id) => call(`${at(id)}/explain`, Explanation),
		events: (id, signal) => stream(`${at(id)}/events`, 'event', WorkloadEvent, signal),
		logs: async (id, lines) => (await call(`${at(id)}/logs?lines=${lines}`, Logs)).lines,
		followLogs: logBatches,
		exec: () => {
			throw new LatticeError(
				'METHOD_NOT_ALLOWED',
				"An agent's REST carries no terminal; leave --agent out, so that the console or the mesh does.",
			)
		},
		nodes: () => call('/api/nodes', Nodes),
		usage: () => call('/api/usage', Usage),
		removeNode: () => Promise.reject(needsConsole('the removal of nodes')),
		probe: () => Promise.reject(needsConsole('the test of an endpoint by another node')),
		rotateSecrets: () => Promise.reject(needsConsole('the rotation of its keys')),
		ngrok: () => Promise.reject(needsConsole('settings')),
		setNgrok: () => Promise.reject(needsConsole('settings')),
		invite: () => Promise.reject(needsConsole('invites')),
		close: async () => undefined,
	}
}

/** What the issuer alone may do, and the issuer is the console. */
export function needsConsole(what: string): LatticeError {
	return new LatticeError(
		'ISSUER_UNAVAILABLE',
		`Only the console does ${what}; ask it with --console URL when it is back.`,
	)
}
