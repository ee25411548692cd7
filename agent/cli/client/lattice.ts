import { z } from 'zod'
import {
	type ExecInput,
	type ExecOutput,
	type LogLine,
	type Node,
	type NodeUsage,
	Placement,
	type Probed,
	type Workload,
	type WorkloadEvent,
} from '../../protocol/index.ts'

export interface Order {
	name: string
	type: string
	config: unknown
	/** chosen here, so that a repeated request is the same order */
	commandId: string
}

export interface ExecOrder {
	id: string
	/** null: the first that runs */
	replica: number | null
	/** empty: the shell */
	command: string[]
	tty: boolean
	columns: number
	rows: number
}

export type Verb = 'start' | 'stop' | 'restart'

/** A placement without who decided and when: what every interface answers to "why there?". */
export const Explanation = Placement.pick({ chosen: true, candidates: true, rejected: true })
export type Explanation = z.infer<typeof Explanation>

/** `token` is the secret, once. */
export const InviteAnswer = z.object({ token: z.string(), expiresAt: z.string().optional() })
export type InviteAnswer = z.infer<typeof InviteAnswer>

/** Whether the lattice has an auth token for ngrok; nobody is told which. */
export const NgrokStatus = z.object({ configured: z.boolean(), changedAt: z.string().nullable() })
export type NgrokStatus = z.infer<typeof NgrokStatus>

/**
 * The lattice as the CLI uses it, over whichever way answers: the console's tRPC, an agent's REST, or the mesh.
 * Every method throws LatticeError. Long reads end when `signal` aborts.
 */
export interface Lattice {
	/** for sentences: "the console at http://…" */
	readonly where: string
	/** taken, not yet running */
	deploy(order: Order): Promise<Workload>
	/** what would be chosen; nothing changes */
	dryRun(draft: Pick<Order, 'type' | 'config'>): Promise<Explanation>
	list(): Promise<Workload[]>
	/** with credentials */
	get(id: string): Promise<Workload>
	/** taken; an agent and the mesh answer when it is done */
	change(verb: Verb, id: string, commandId: string): Promise<Workload>
	/** taken; its data goes with it unless `keepData` */
	delete(id: string, order: { commandId: string; keepData: boolean }): Promise<Workload>
	scale(id: string, replicas: number): Promise<Workload>
	explain(id: string): Promise<Explanation>
	/** another node dials the endpoint of that URL and says what it measured */
	probe(id: string, url: string): Promise<Probed>
	/** history, then live */
	events(id: string, signal: AbortSignal): AsyncIterable<WorkloadEvent>
	logs(id: string, lines: number): Promise<LogLine[]>
	followLogs(id: string, lines: number, signal: AbortSignal): AsyncIterable<LogLine[]>
	/** output until `exit` or `error`; its owner only */
	exec(order: ExecOrder, input: AsyncIterable<ExecInput>, signal: AbortSignal): AsyncIterable<ExecOutput>
	nodes(): Promise<Node[]>
	/** what machines and your workloads use now */
	usage(): Promise<NodeUsage[]>
	/** by peer id; its certificate is revoked */
	removeNode(peerId: string): Promise<void>
	rotateSecrets(): Promise<{ issuer: string; signsFrom: string }>
	ngrok(): Promise<NgrokStatus>
	/** null takes it away */
	setNgrok(token: string | null): Promise<NgrokStatus>
	invite(wish: { ttlSeconds: number; uses: number; labels: Record<string, string> }): Promise<InviteAnswer>
	/** lets the process end */
	close(): Promise<void>
}
