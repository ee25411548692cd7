import { z } from 'zod'
import { LogLine, Node, NodeUsage, Probed, Workload, WorkloadEvent } from '../../protocol/index.ts'
import { execOverSocket } from './exec-socket.ts'
import { Explanation, InviteAnswer, type Lattice, NgrokStatus } from './lattice.ts'
import { type Session, withBearer } from './session.ts'
import { trpcMutation, trpcQuery, trpcSubscription } from './trpc.ts'

const Workloads = z.array(Workload)
const Nodes = z.array(Node)
const Usage = z.array(NodeUsage)
const Logs = z.object({ lines: z.array(LogLine) })
const Rotated = z.object({ issuer: z.string(), signsFrom: z.string() })
const LogBatch = z.array(LogLine)
const Removed = z.object({ peerId: z.string() })

/** The lattice through the console's tRPC. */
export function consoleClient(origin: URL, session: Session): Lattice {
	const query = <T>(procedure: string, input: unknown, output: z.ZodType<T>) =>
		withBearer(session, (bearer) => trpcQuery(origin, procedure, input, output, { bearer }))
	const mutation = <T>(procedure: string, input: unknown, output: z.ZodType<T>) =>
		withBearer(session, (bearer) => trpcMutation(origin, procedure, input, output, { bearer }))
	async function* subscription<T>(procedure: string, input: unknown, output: z.ZodType<T>, signal: AbortSignal) {
		const bearer = await session.bearer()
		yield* trpcSubscription(origin, procedure, input, output, { bearer, signal })
	}

	return {
		where: `the console at ${origin.origin}`,
		deploy: (order) => mutation('workload.deploy', order, Workload),
		dryRun: (draft) => query('workload.dryRun', draft, Explanation),
		list: () => query('workload.list', undefined, Workloads),
		get: (id) => query('workload.get', { id }, Workload),
		change: (verb, id, commandId) => mutation(`workload.${verb}`, { id, commandId }, Workload),
		delete: (id, { commandId, keepData }) =>
			mutation('workload.delete', { id, commandId, volumes: !keepData }, Workload),
		scale: (id, replicas) => mutation('workload.scale', { id, replicas }, Workload),
		explain: (id) => query('workload.explain', { id }, Explanation),
		events: (id, signal) => subscription('workload.events', { id }, WorkloadEvent, signal),
		logs: async (id, lines) => (await query('workload.logs', { id, lines }, Logs)).lines,
		followLogs: (id, lines, signal) => subscription('workload.followLogs', { id, lines }, LogBatch, signal),
		exec: async function* (order, input, signal) {
			const bearer = await session.bearer()
			yield* execOverSocket(origin, bearer, order, input, signal)
		},
		nodes: () => query('node.list', undefined, Nodes),
		usage: () => query('node.usage', undefined, Usage),
		removeNode: async (peerId) => void (await mutation('node.remove', { peerId }, Removed)),
		probe: (id, url) => mutation('workload.probe', { id, url }, Probed),
		rotateSecrets: () => mutation('lattice.rotateSecrets', {}, Rotated),
		ngrok: () => query('settings.ngrok', undefined, NgrokStatus),
		setNgrok: (token) => mutation('settings.setNgrok', { token }, NgrokStatus),
		invite: (wish) => mutation('node.invite', wish, InviteAnswer),
		close: async () => undefined,
	}
}
