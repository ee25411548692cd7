import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import { Liveness, type NodeView } from '../../agent/protocol/index.ts'

export interface MetricsModules {
	views: () => NodeView[]
	liveSubscribers: () => number
	pendingOrders: () => number
}

/** Names are stable: dashboards and alerts read them. Labels have few values: never an id or an address. */
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
	}

	observeRequest(kind: string, method: string, status: number, seconds: number): void {
		this.#requests.observe({ kind, method, status: `${Math.floor(status / 100)}xx` }, seconds)
	}

	countError(code: string): void {
		this.#errors.inc({ code })
	}
}
