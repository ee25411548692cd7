import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import { Liveness, type NodeView, type Sample, type SampleMetric } from '../../agent/protocol/index.ts'

export interface MetricsModules {
	views: () => NodeView[]
	liveSubscribers: () => number
	pendingOrders: () => number
	/** the last minute of each node */
	usage: () => { node: string; sample: Sample }[]
}

/**
 * Names are stable: dashboards and alerts read them. Labels have few values: of ids only those of nodes, never one that
 * a stranger could make up.
 */
export class Metrics {
	readonly registry = new Registry()
	readonly #requests: Histogram<'kind' | 'method' | 'status'>
	readonly #errors: Counter<'code'>

	constructor(modules: MetricsModules) {
		const registers = [this.registry]
		collectDefaultMetrics({ register: this.registry })
		this.#requests = new Histogram({
			name: 'lattice_console_http_seconds',
			help: 'Time to the first byte of an answer',
			labelNames: ['kind', 'method', 'status'],
			buckets: [0.005, 0.02, 0.1, 0.5, 2, 10],
			registers,
		})
		this.#errors = new Counter({
			name: 'lattice_console_errors_total',
			help: 'Errors answered by the API, by code',
			labelNames: ['code'],
			registers,
		})
		new Gauge({
			name: 'lattice_console_nodes',
			help: 'Nodes as this console sees them',
			labelNames: ['status'],
			registers,
			collect() {
				const views = modules.views()
				for (const status of Liveness.options) {
					this.set({ status }, views.filter(({ liveness }) => liveness === status).length)
				}
			},
		})
		new Gauge({
			name: 'lattice_console_live_subscribers',
			help: 'Open streams of live changes',
			registers,
			collect() {
				this.set(modules.liveSubscribers())
			},
		})
		new Gauge({
			name: 'lattice_console_orders_running',
			help: 'Orders that this console is carrying out now',
			registers,
			collect() {
				this.set(modules.pendingOrders())
			},
		})
		this.#used('cpu', 'cpu_cores', modules.usage)
		this.#used('memoryBytes', 'memory_bytes', modules.usage)
		this.#used('diskBytes', 'disk_bytes', modules.usage)
	}

	#used(metric: SampleMetric, name: string, usage: MetricsModules['usage']): void {
		new Gauge({
			name: `lattice_console_node_${name}`,
			help: 'Mean of the last minute, as the node measured it',
			labelNames: ['node'],
			registers: [this.registry],
			collect() {
				this.reset()
				for (const { node, sample } of usage()) {
					const value = sample[metric]
					if (value !== null) this.set({ node }, value)
				}
			},
		})
	}

	observeRequest(kind: string, method: string, status: number, seconds: number): void {
		this.#requests.observe({ kind, method, status: `${Math.floor(status / 100)}xx` }, seconds)
	}

	countError(code: string): void {
		this.#errors.inc({ code })
	}
}
