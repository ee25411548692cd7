import { Counter, collectDefaultMetrics, Gauge, Registry } from 'prom-client'
import type { PlaneTotals } from './endpoints/data/plane-metrics.ts'
import type { NodeStatus, Sample, SampleMetric, WorkloadReport } from './protocol/index.ts'

export interface MetricsModules {
	status: () => NodeStatus
	reports: () => WorkloadReport[]
	peers: () => number
	/** the newest of this machine and of each replica */
	samples: () => Sample[]
	/** connections of the data plane */
	plane: () => PlaneTotals[]
}

const MEASURED = [
	['cpu', 'cpu_cores', 'Cores in use'],
	['memoryBytes', 'memory_bytes', 'Memory in use, without what the kernel would give back'],
	['diskBytes', 'disk_bytes', 'Disk in use where images and volumes live'],
	['rxRate', 'network_receive_bytes_per_second', 'Bytes received each second'],
	['txRate', 'network_transmit_bytes_per_second', 'Bytes sent each second'],
	['readRate', 'disk_read_bytes_per_second', 'Bytes read from disks each second'],
	['writeRate', 'disk_write_bytes_per_second', 'Bytes written to disks each second'],
] as const

/** The agent's numbers for Prometheus. Nothing secret, no tenant's names: ids and counts only. */
export class Metrics {
	readonly #registry = new Registry()
	readonly refused: Counter<'from' | 'code'>
	readonly offences: Counter<'by' | 'reason'>

	constructor(modules: MetricsModules) {
		const registers = [this.#registry]
		collectDefaultMetrics({ register: this.#registry })
		this.refused = new Counter({
			name: 'lattice_refused_commands_total',
			help: 'Commands that proved no authority, by sending peer',
			labelNames: ['from', 'code'],
			registers,
		})
		this.offences = new Counter({
			name: 'lattice_member_offences_total',
			help: 'What members said that no honest one says, by its author',
			labelNames: ['by', 'reason'],
			registers,
		})
		new Gauge({
			name: 'lattice_workload_replicas',
			help: 'Replicas on this host by status',
			labelNames: ['status'],
			registers,
			collect() {
				this.reset()
				for (const report of modules.reports())
					for (const replica of report.replicas) this.inc({ status: replica.status })
			},
		})
		new Gauge({
			name: 'lattice_connected_peers',
			help: 'Admitted peers connected',
			registers,
			collect() {
				this.set(modules.peers())
			},
		})
		new Gauge({
			name: 'lattice_data_connections',
			help: 'Open connections to workloads: towards the container (host) and from the client (entry)',
			labelNames: ['side', 'path', 'workload'],
			registers,
			collect() {
				this.reset()
				for (const { open, side, path, workload } of modules.plane()) this.set({ side, path, workload }, open)
			},
		})
		new Counter({
			name: 'lattice_data_bytes_total',
			help: 'Bytes of those connections, sent to and received from the container',
			labelNames: ['side', 'path', 'workload', 'direction'],
			registers,
			collect() {
				this.reset()
				for (const { sent, received, ...labels } of modules.plane()) {
					const { side, path, workload } = labels
					this.inc({ side, path, workload, direction: 'sent' }, sent)
					this.inc({ side, path, workload, direction: 'received' }, received)
				}
			},
		})
		new Gauge({
			name: 'lattice_memory_capacity_bytes',
			help: 'Memory of this node',
			registers,
			collect() {
				this.set(modules.status().capacity.memoryBytes)
			},
		})
		new Gauge({
			name: 'lattice_memory_allocated_bytes',
			help: 'Memory reserved by assignments',
			registers,
			collect() {
				this.set(modules.status().allocated.memoryBytes)
			},
		})
		new Gauge({
			name: 'lattice_engine_ready',
			help: '1 when the container engine answers',
			registers,
			collect() {
				this.set(modules.status().engine.ready ? 1 : 0)
			},
		})
		for (const [metric, name, help] of MEASURED) this.#measured(metric, name, help, modules.samples)
	}

	#measured(metric: SampleMetric, name: string, help: string, samples: () => Sample[]): void {
		new Gauge({
			name: `lattice_used_${name}`,
			help: `${help}; without a workload: of the machine`,
			labelNames: ['workload', 'replica'],
			registers: [this.#registry],
			collect() {
				this.reset()
				for (const sample of samples()) {
					const value = sample[metric]
					const labels = { workload: sample.workloadId ?? '', replica: sample.replica ?? '' }
					if (value !== null) this.set(labels, value)
				}
			},
		})
	}

	text(): Promise<string> {
		return this.#registry.metrics()
	}
}
