import type { LogLine, PullProgress, StatsSample } from '../protocol/index.ts'

/** What the engine says of its machine. Bytes are bytes; `diskBytes` is what is free where images live. */
export interface EngineInfo {
	version: string
	apiVersion: string
	arch: string
	os: string
	cpus: number
	memoryBytes: number
	diskTotalBytes: number
	diskFreeBytes: number
	images: string[]
}

export interface Healthcheck {
	/** argv run inside the container; exit 0 is healthy */
	command: string[]
	intervalMs: number
	timeoutMs: number
	retries: number
	startPeriodMs: number
	/** how often to ask until the first success; engines before 25 (API 1.44) know no such thing and use a short interval */
	startIntervalMs?: number
}

/** How a replica shows that it is ready when it has no in-container check: asked by the agent at the container's address. */
export interface Probe {
	kind: 'tcp' | 'http'
	port: number
	path?: string
}

export interface PortPlan {
	container: number
	protocol: 'http' | 'tcp'
	/** published on these addresses at that port; kept for the workload's life */
	bindings: { address: string; port: number }[]
}

/** Everything about one container that the agent decides; the adapter adds the hardening and nothing else. */
export interface ContainerPlan {
	/** agent-made: lattice-<workload id>-<replica> */
	name: string
	image: string
	command: string[] | null
	env: Record<string, string>
	/** lattice.* labels only */
	labels: Record<string, string>
	network: string
	/** DNS names of the replica on the tenant's network */
	aliases: string[]
	ports: PortPlan[]
	volumes: { name: string; path: string }[]
	memoryBytes: number
	cpus: number
	pids: number
	shmBytes: number | null
	healthcheck: Healthcheck | null
	/** capabilities dropped from the default allow-list, where a template can do with less */
	dropCapabilities: string[]
	stopTimeoutS: number
}

export interface ObservedContainer {
	id: string
	name: string
	labels: Record<string, string>
	image: string
	state: 'created' | 'running' | 'paused' | 'restarting' | 'exited' | 'dead' | 'removing'
	health: 'none' | 'starting' | 'healthy' | 'unhealthy'
	exitCode: number | null
	/** the engine killed it for memory */
	oomKilled: boolean
	error: string | null
	startedAt: string | null
	finishedAt: string | null
	/** times the engine itself started it again since the last start by the agent */
	restarts: number
	/** the engine starts it again when it ends or the host comes back; false until `keepRunning` */
	keptRunning: boolean
	/** its address on the tenant's network; null unless running */
	address: string | null
	ports: { container: number; address: string; port: number }[]
}

export interface RuntimeEvent {
	kind: 'container'
	action: string
	containerId: string
	labels: Record<string, string>
	at: string
}

export interface LogOptions {
	/** written into each line */
	replica: number
	/** lines of history */
	tail: number
	follow: boolean
	/** ISO 8601; lines at or after it */
	since?: string
	signal?: AbortSignal
}

export interface StatsOptions {
	replica: number
	follow: boolean
	signal?: AbortSignal
}

export interface ExecOptions {
	command: string[]
	/** a terminal: one output stream, line editing, signals by keys */
	tty: boolean
	columns: number
	rows: number
}

/** A program that runs in a container beside its own. */
export interface ExecSession {
	/** until the program ends, or its container, or `close` */
	readonly output: AsyncIterable<{ stream: 'stdout' | 'stderr'; data: Uint8Array }>
	/** resolves when there is room for more; input for a program that has ended goes nowhere */
	write(data: Uint8Array): Promise<void>
	/** no more input */
	end(): void
	resize(columns: number, rows: number): Promise<void>
	/** after `output` has ended; null when it is not known */
	exitCode(): Promise<number | null>
	/** ends it: the program is told to stop, and killed when it does not */
	close(): Promise<void>
}

/**
 * A container engine as the reconciler needs it. Every method fails with a LatticeError: ENGINE_UNAVAILABLE when the
 * engine does not answer, and the specific codes named below. `create` never starts; all are safe to repeat.
 */
export interface ContainerRuntime {
	/** also the readiness check: ENGINE_UNAVAILABLE names the socket and the remedy */
	info(): Promise<EngineInfo>
	/** may remember what it saw; `create` says IMAGE_NOT_FOUND when that is no longer so, and forgets it */
	hasImage(image: string): Promise<boolean>
	/** IMAGE_NOT_FOUND, REGISTRY_UNREACHABLE, DISK_FULL; progress at most 10 times a second */
	pull(image: string, onProgress: (progress: PullProgress) => void, signal?: AbortSignal): Promise<void>
	/** the tenant's bridge with an explicit subnet; idempotent, safe under a race; may remember that it is there until `start` says that it is not */
	ensureNetwork(name: string, labels: Record<string, string>): Promise<void>
	/** removes it when no container is attached; true when it is gone */
	removeNetwork(name: string): Promise<boolean>
	ensureVolume(name: string, labels: Record<string, string>): Promise<void>
	removeVolume(name: string): Promise<void>
	volumes(labels: Record<string, string>): Promise<{ name: string; labels: Record<string, string> }[]>
	/** IMAGE_NOT_FOUND, NAME conflict → returns the existing id when its labels are equal; HARDENING_MISMATCH after the re-inspect (the container is removed again) */
	create(plan: ContainerPlan): Promise<string>
	/** PORT_TAKEN, IMAGE_UNSUITABLE (command not found…), DISK_FULL; NOT_FOUND with `network` when the tenant's network is gone */
	start(id: string): Promise<void>
	/** from now on the engine itself starts it again, until it is stopped; before, what ends stays ended. No error when it is gone */
	keepRunning(id: string): Promise<void>
	/** no error when it is stopped or gone */
	stop(id: string, timeoutS: number): Promise<void>
	/** forced; anonymous volumes go with it; no error when it is gone */
	remove(id: string): Promise<void>
	inspect(id: string): Promise<ObservedContainer | null>
	/** containers that carry all these labels */
	list(labels: Record<string, string>): Promise<ObservedContainer[]>
	/** history of `tail` lines, then live when `follow`; ends when the container does or the signal aborts; demultiplexed, with timestamps */
	logs(
		id: string,
		options: { replica: number; tail: number; follow: boolean; since?: string; signal?: AbortSignal },
	): AsyncIterable<LogLine[]>
	/** a sample a second when `follow`, else one; ends when the container does or the signal aborts */
	stats(id: string, options: StatsOptions): AsyncIterable<StatsSample>
	/** NOT_FOUND, WRONG_STATE when the container does not run; a program that does not exist exits with 126 or 127 */
	exec(id: string, options: ExecOptions): Promise<ExecSession>
	/** container events of these labels until the signal aborts or the engine goes away (then it throws ENGINE_UNAVAILABLE). `onSubscribed`: no event after this moment is missed, so list now */
	events(labels: Record<string, string>, signal: AbortSignal, onSubscribed?: () => void): AsyncIterable<RuntimeEvent>
}
