import { once } from 'node:events'
import { connect } from 'node:net'
import { Keyring } from '../../identity/index.ts'
import { LatticeError, type WorkloadReport, type WorkloadStatus } from '../../protocol/index.ts'
import { Changes } from '../../store/changes.ts'
import { Database } from '../../store/database.ts'
import { GatewayCertificates } from '../../store/gateway-certificates.ts'
import { GatewayPorts } from '../../store/gateway-ports.ts'
import type { Dialer } from '../dialer.ts'
import { CHALLENGES } from './acme/acme-server.ts'
import { Gateway, type GatewayOptions } from './gateway.ts'
import type { LookUp } from './name-watch.ts'
import { OwnRoutes } from './own-routes.ts'

const NODE = { peerId: 'g', name: 'gate' }

/** A workload as its host reports it; each status is one replica, on a host of its own. */
export function reportOf(
	name: string,
	options: {
		id?: string
		statuses?: WorkloadStatus[]
		type?: string
		config?: object
		desired?: 'running' | 'stopped'
		createdAt?: string
	} = {},
): WorkloadReport[] {
	const { statuses = ['running'], desired = 'running', createdAt = '2026-11-25T00:00:00.000Z' } = options
	const id = options.id ?? `w_${name.padEnd(20, '0').slice(0, 20)}`
	const chosen = statuses.map((_, replica) => ({ replica, node: { peerId: `h${replica}`, name: `h${replica}` } }))
	return chosen.map(({ replica, node }) => ({
		id,
		name,
		type: options.type ?? 'custom',
		owner: 'ada',
		commandId: 'c0000001',
		claim: 'claim',
		generation: 1,
		desired,
		config: options.type
			? options.config
			: { image: 'x', ports: [{ container: 80, protocol: 'http' }], ...options.config },
		placement: { chosen, candidates: [], rejected: [], at: createdAt, by: 'g' },
		node,
		status: statuses[replica] ?? 'running',
		statusReason: null,
		error: null,
		replicas: [
			{
				index: replica,
				status: statuses[replica] ?? 'running',
				statusReason: null,
				error: null,
				containerId: 'c',
				startedAt: null,
				exitCode: null,
				restarts: 0,
				endpoints: [],
			},
		],
		createdAt,
		updatedAt: createdAt,
		revision: 1,
	}))
}

/** A real gateway on loopback whose hosts are ports of this process. */
export class GatewayRig {
	readonly db = new Database(':memory:')
	readonly certificates = new GatewayCertificates(this.db, Keyring.create())
	readonly dials: string[] = []
	reports: WorkloadReport[] = []
	routes = new OwnRoutes(new Changes())
	/** host → the port that its replica answers at; none: it cannot be dialled */
	readonly backends = new Map<string, number>()
	readonly #listeners = new Set<() => void>()
	/** gateways that this one can ask */
	readonly others: GatewayRig[] = []
	#gateway: Gateway | null = null
	httpPort = 0
	httpsPort = 0

	async start(options: Partial<GatewayOptions> & { lookUp?: LookUp; now?: () => number } = {}): Promise<void> {
		const { lookUp = async () => [], now = Date.now, ...given } = options
		this.routes = new OwnRoutes(new Changes())
		const dialer: Dialer = {
			dial: async ({ peerId }) => {
				this.dials.push(peerId)
				const port = this.backends.get(peerId)
				const refused = new LatticeError('HOST_UNREACHABLE', `${peerId} does not answer.`)
				if (port === undefined) throw refused
				const stream = connect({ host: '127.0.0.1', port, allowHalfOpen: true, noDelay: true })
				await once(stream, 'connect').catch(() => Promise.reject(refused))
				return { stream, path: { kind: 'local', through: null, rttMs: null } }
			},
		}
		const quiet = () => undefined
		let served = ''
		const onInfo = (facts: object) => {
			if ('http' in facts) served = String(facts.http)
			if ('https' in facts) this.httpsPort = Number(facts.https)
		}
		this.#gateway = new Gateway(
			{
				node: NODE,
				address: '127.0.0.1',
				hosts: ['127.0.0.1'],
				httpPort: 0,
				ports: { from: 28_000, to: 28_999 },
				domain: 'gate.test',
				tls: null,
				...given,
			},
			{
				directory: {
					reports: () => this.reports,
					onChange: (listener) => {
						this.#listeners.add(listener)
						return () => this.#listeners.delete(listener)
					},
				},
				changes: new Changes(),
				dialer,
				store: new GatewayPorts(this.db),
				routes: this.routes,
				others: { answer: async (path) => this.others.map((each) => each.answerTo(path)).find(Boolean) ?? null },
				certificates: this.certificates,
				lookUp,
				now,
				log: { debug: quiet, warn: quiet, info: onInfo },
			},
		)
		await this.#gateway.start()
		this.httpPort = Number(new URL(served).port)
	}

	tell(...reports: WorkloadReport[][]): void {
		this.reports = reports.flat()
		for (const listener of this.#listeners) listener()
	}

	answerTo(path: string): string | null {
		return this.#gateway?.answerTo(path.slice(CHALLENGES.length)) ?? null
	}

	/** The address of a workload's own port. */
	async urlOf(name: string): Promise<URL> {
		const id = this.reports.find((report) => report.name === name)?.id ?? ''
		const deadline = Date.now() + 5_000
		while (Date.now() < deadline) {
			const endpoint = this.routes.of(id).find(({ url }) => /127\.0\.0\.1/.test(url))
			if (endpoint) return new URL(endpoint.url)
			await new Promise((resolve) => setTimeout(resolve, 5))
		}
		throw new Error(`${name} has no address`)
	}

	async stop(): Promise<void> {
		await this.#gateway?.stop()
		this.#listeners.clear()
		this.#gateway = null
	}
}
