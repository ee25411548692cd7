import type { Keyring } from '../identity/index.ts'
import {
	bestFirst,
	type Credentials,
	type Endpoint,
	URGENCY,
	type WireError,
	type WorkloadReport,
	type WorkloadStatus,
} from '../protocol/index.ts'
import { templateOf } from '../templates/catalogue.ts'
import type { Template } from '../templates/template.ts'
import type { Assignment, Assignments, PortBinding, ReplicaRow } from './assignments.ts'

/** An assignment with its sealed parts opened: only for the code that makes containers or answers the owner. */
export interface OpenAssignment {
	assignment: Assignment
	template: Template
	config: unknown
	secrets: Record<string, string>
}

/** How a replica is reached besides by its own ports, and what stands in the way. */
export interface ReplicaReach {
	endpoints: Endpoint[]
	/** for a person; null: nothing */
	reason: string | null
}

const NOTHING_ELSE = (): ReplicaReach => ({ endpoints: [], reason: null })

/** The read side of the store: what this host holds, as reports, and its credentials for those who may see them. */
export class Workloads {
	readonly #assignments: Assignments
	readonly #keyring: Keyring
	readonly #node: { peerId: string; name: string }
	readonly #reach: (workloadId: string, replica: number) => ReplicaReach

	constructor(
		assignments: Assignments,
		keyring: Keyring,
		node: { peerId: string; name: string },
		reach: (workloadId: string, replica: number) => ReplicaReach = NOTHING_ELSE,
	) {
		this.#reach = reach
		this.#assignments = assignments
		this.#keyring = keyring
		this.#node = node
	}

	seal(workloadId: string, config: unknown, secrets: Record<string, string>) {
		return {
			sealedConfig: this.#keyring.seal(JSON.stringify(config), `config:${workloadId}`),
			sealedSecrets: this.#keyring.seal(JSON.stringify(secrets), `secrets:${workloadId}`),
		}
	}

	open(assignment: Assignment): OpenAssignment {
		const template = templateOf(assignment.type)
		const config: unknown = JSON.parse(this.#keyring.open(assignment.sealedConfig, `config:${assignment.workloadId}`))
		const secrets = JSON.parse(this.#keyring.open(assignment.sealedSecrets, `secrets:${assignment.workloadId}`))
		return { assignment, template, config, secrets: secrets as Record<string, string> }
	}

	report(workloadId: string): WorkloadReport | null {
		const assignment = this.#assignments.get(workloadId)
		return assignment ? this.#reportOf(assignment) : null
	}

	reports(): WorkloadReport[] {
		return this.#assignments.all().map((assignment) => this.#reportOf(assignment))
	}

	/** null when the template has none. The executing host made them; the console keeps a sealed copy. */
	credentials(workloadId: string): Credentials | null {
		const assignment = this.#assignments.get(workloadId)
		if (!assignment) return null
		const { template, config, secrets } = this.open(assignment)
		const endpoints = this.#replicas(workloadId).flatMap(({ endpoints }) => endpoints)
		return template.credentials(config, secrets, bestFirst(endpoints))
	}

	/** Rows with all the ways in; one that runs as it should may still lack one, and says why. */
	#replicas(workloadId: string): (ReplicaRow & { endpoints: Endpoint[] })[] {
		return this.#assignments.replicas(workloadId).map((row) => {
			const { endpoints, reason } = this.#reach(workloadId, row.index)
			return { ...row, reason: row.reason ?? reason, endpoints: [...endpointsOf(row), ...endpoints] }
		})
	}

	#reportOf(assignment: Assignment): WorkloadReport {
		const rows = this.#replicas(assignment.workloadId)
		const { config } = this.open(assignment)
		const worst = worstOf(rows)
		const deleting = assignment.desired === 'deleted'
		return {
			id: assignment.workloadId,
			name: assignment.name,
			type: assignment.type,
			owner: assignment.owner,
			commandId: assignment.commandId,
			claim: assignment.claim,
			generation: assignment.placed,
			desired: assignment.desired === 'running' ? 'running' : 'stopped',
			config,
			placement: assignment.placement,
			node: this.#node,
			status: deleting ? 'deleting' : (worst?.status ?? 'pending'),
			statusReason: worst?.reason ?? null,
			error: worst?.error ?? null,
			replicas: rows.map((row) => ({
				index: row.index,
				status: row.status,
				statusReason: row.reason,
				error: row.error,
				containerId: row.containerId,
				startedAt: row.startedAt,
				exitCode: row.exitCode,
				restarts: row.restarts,
				endpoints: row.endpoints,
			})),
			createdAt: new Date(assignment.createdAt).toISOString(),
			updatedAt: new Date(assignment.updatedAt).toISOString(),
			revision: assignment.revision,
		}
	}
}

function worstOf(
	rows: ReplicaRow[],
): { status: WorkloadStatus; reason: string | null; error: WireError | null } | null {
	const sorted = [...rows].sort(
		(a, b) =>
			URGENCY.indexOf(a.status) - URGENCY.indexOf(b.status) || Number(b.reason !== null) - Number(a.reason !== null),
	)
	return sorted[0] ?? null
}

/** Endpoints of a replica that is up; a stopped one has none that answers. */
export function endpointsOf(row: ReplicaRow): Endpoint[] {
	if (row.status !== 'running' && row.status !== 'unhealthy' && row.status !== 'starting') return []
	return row.ports.map((binding) => ({
		kind: binding.kind,
		protocol: binding.protocol,
		url: urlOf(binding),
		container: binding.container,
		replica: row.index,
	}))
}

function urlOf(binding: PortBinding): string {
	const host = binding.address.includes(':') ? `[${binding.address}]` : binding.address
	return `${binding.protocol}://${host}:${binding.port}`
}
