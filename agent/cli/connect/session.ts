import { clientDataPlane } from '../../endpoints/data/client-plane.ts'
import type { DialPath, DialTarget } from '../../endpoints/dialer.ts'
import { type Credentials, LatticeError, type WorkloadReport } from '../../protocol/index.ts'
import type { MeshEntry } from '../client/mesh-entry.ts'
import { Forward } from './forward.ts'
import { LocalPorts } from './local-ports.ts'
import { declaredPorts, portsOf, targetsOf } from './targets.ts'

export interface Wish {
	/** name or id; null: every workload of the person's own */
	name: string | null
	/** the local port */
	local?: number | undefined
	/** the port in the container */
	port?: number | undefined
}

/** One local port and what it leads to. */
export interface Forwarding {
	report: WorkloadReport
	container: number
	local: number
	/** null when nothing answered yet */
	found: { path: DialPath; node: string } | null
	/** why nothing answered */
	failure: LatticeError | null
	credentials: Credentials | null
}

export interface SessionModules {
	mesh: MeshEntry
	/** one line on stderr */
	notice: (line: string) => void
}

/** At the start each port is tried once, so that a person sees the path. */
const PROBE_MS = 10_000
/** Many connections that fail at once ask the lattice once. */
const REFRESH_PAUSE_MS = 1_000

/** Local ports for workloads, until it is closed. */
export class ConnectSession {
	readonly #modules: SessionModules
	readonly #plane: ReturnType<typeof clientDataPlane>
	readonly #forwards: Forward[] = []
	#refreshing: Promise<void> | null = null
	#refreshedAt = Number.NEGATIVE_INFINITY

	constructor(modules: SessionModules) {
		this.#modules = modules
		this.#plane = clientDataPlane(modules.mesh.peer, (peerId) => this.#nameOf(peerId))
	}

	async open(wish: Wish, signal: AbortSignal): Promise<Forwarding[]> {
		const ports = new LocalPorts()
		const forwardings: Promise<Forwarding>[] = []
		for (const report of await this.#wanted(wish)) {
			const declared = portsOf(report, wish.port)
			// A port that was given is for one.
			for (const { container } of wish.local === undefined ? declared : declared.slice(0, 1)) {
				const local = await ports.pick(container, wish.local)
				const forward = this.#forward(report, container)
				await forward.listen(local)
				forwardings.push(this.#look(forward, { report, container, local }, signal))
			}
		}
		return Promise.all(forwardings)
	}

	close(): void {
		for (const forward of this.#forwards.splice(0)) forward.close()
		this.#plane.close()
	}

	async #wanted({ name }: Wish): Promise<WorkloadReport[]> {
		const { entry, authority, gatherer } = this.#modules.mesh
		// The first look was at the nodes known since the login; now those that they know of are asked, too.
		await gatherer.refresh()
		if (name !== null) return [entry.resolve(authority, name)]
		const { userId } = authority.subject
		const own = entry.list(authority).filter((report) => report.owner === userId && declaredPorts(report).length > 0)
		if (own.length > 0) return own
		throw new LatticeError('NOT_FOUND', 'None of your workloads has a port to connect to; "lattice list" shows them.')
	}

	#forward(report: WorkloadReport, container: number): Forward {
		const { mesh, notice } = this.#modules
		const by = { kind: 'user', authority: mesh.authority } as const
		const forward = new Forward({
			targets: () => targetsOf(mesh.directory.of(report.id), container),
			refresh: () => this.#refresh(),
			dial: (target, signal) => this.#plane.dialer.dial(target, by, signal),
			onPath: (path, target) => notice(`${report.name}: now by ${this.describe(path, target)}`),
			onFailure: ({ code, message }) => notice(`${report.name}: ${code}: ${message}`),
		})
		this.#forwards.push(forward)
		return forward
	}

	async #look(
		forward: Forward,
		about: Pick<Forwarding, 'report' | 'container' | 'local'>,
		signal: AbortSignal,
	): Promise<Forwarding> {
		const credentials = await this.#credentials(about.report, signal)
		try {
			const { path, target } = await forward.probe(AbortSignal.any([signal, AbortSignal.timeout(PROBE_MS)]))
			return {
				...about,
				credentials,
				found: { path, node: this.#nameOf(target.peerId) ?? target.peerId },
				failure: null,
			}
		} catch (thrown) {
			signal.throwIfAborted()
			return { ...about, credentials, found: null, failure: LatticeError.from(thrown) }
		}
	}

	/** The owner's alone, and only while the host answers. */
	async #credentials(report: WorkloadReport, signal: AbortSignal): Promise<Credentials | null> {
		const { entry, authority } = this.#modules.mesh
		try {
			return (await entry.get(authority, report.id, true, signal)).credentials
		} catch (thrown) {
			this.#modules.notice(`${report.name}: ${LatticeError.from(thrown).message}`)
			return null
		}
	}

	describe(path: DialPath, { peerId }: Pick<DialTarget, 'peerId'>): string {
		return pathText(path, this.#nameOf(peerId) ?? peerId)
	}

	/** Never more often than each second, whoever asks. A lattice that does not answer now is asked again later. */
	#refresh(): Promise<void> {
		if (performance.now() - this.#refreshedAt < REFRESH_PAUSE_MS) return Promise.resolve()
		this.#refreshing ??= this.#modules.mesh.gatherer
			.refresh()
			.catch((thrown) => this.#modules.notice(LatticeError.from(thrown).message))
			.finally(() => {
				this.#refreshing = null
				this.#refreshedAt = performance.now()
			})
		return this.#refreshing
	}

	#nameOf(peerId: string): string | null {
		const nodes = this.#modules.mesh.directory.nodes()
		return nodes.find(({ status }) => status.peerId === peerId)?.status.name ?? null
	}
}

export function pathText({ kind, through, rttMs }: DialPath, node: string): string {
	const by = through === null ? kind : `${kind} through ${through}`
	return `${node}  path ${by}${rttMs === null ? '' : ` ${rttMs.toFixed(1)} ms`}`
}
