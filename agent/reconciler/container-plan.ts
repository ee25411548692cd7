import type { ContainerPlan, PortPlan } from '../runtime/runtime.ts'
import type { PortBinding, ReplicaRow } from '../store/assignments.ts'
import type { OpenAssignment } from '../store/workloads.ts'
import { containerName } from './plan.ts'

export interface NodeIdentity {
	latticeId: string
	peerId: string
}

/** One network a tenant: workloads of one owner see each other by name, and nobody else's. */
export function networkName(owner: string): string {
	return `lattice-${owner.replace(/[^a-zA-Z0-9]/g, '-')}`
}

export function volumeName(workloadId: string, volume: string): string {
	return `lattice-${workloadId.replace('_', '-')}-${volume}`
}

/** Labels by which an agent knows its own containers again; a tenant can set none of them. */
export function labelsOf(identity: NodeIdentity, open: OpenAssignment, replica: number): Record<string, string> {
	const { assignment } = open
	return {
		'lattice.id': identity.latticeId,
		'lattice.node': identity.peerId,
		'lattice.workload': assignment.workloadId,
		'lattice.name': assignment.name,
		'lattice.owner': assignment.owner,
		'lattice.generation': String(assignment.generation),
		'lattice.replica': String(replica),
		'lattice.command': assignment.commandId,
	}
}

/** Template and assignment into the one thing the runtime makes a container of. */
export function containerPlan(identity: NodeIdentity, open: OpenAssignment, row: ReplicaRow): ContainerPlan {
	const { assignment, template, config, secrets } = open
	const own = template.plan(config, secrets)
	return {
		name: containerName(assignment.workloadId, row.index),
		image: own.image,
		command: own.command,
		env: own.env,
		labels: labelsOf(identity, open, row.index),
		network: networkName(assignment.owner),
		aliases: [assignment.name, `${assignment.name}-${row.index}`],
		ports: portPlans(row.ports),
		volumes: own.volumes.map((volume) => ({ name: volumeName(assignment.workloadId, volume.name), path: volume.path })),
		memoryBytes: assignment.memoryBytes,
		cpus: assignment.cpus,
		pids: own.pids,
		shmBytes: own.shmBytes,
		healthcheck: own.healthcheck,
		dropCapabilities: own.dropCapabilities,
		stopTimeoutS: own.stopTimeoutS,
	}
}

function portPlans(bindings: PortBinding[]): PortPlan[] {
	const plans = new Map<number, PortPlan>()
	for (const binding of bindings) {
		const plan = plans.get(binding.container) ?? {
			container: binding.container,
			protocol: binding.protocol,
			bindings: [],
		}
		plan.bindings.push({ address: binding.address, port: binding.port })
		plans.set(binding.container, plan)
	}
	return [...plans.values()]
}
