import { LatticeError, type WorkloadReport } from '../protocol/index.ts'
import type { ClaimClaims } from './claims.ts'
import type { Trust } from './trust.ts'

/** Reports of one workload bear the same claim again and again; a lattice has far fewer workloads. */
const REMEMBERED = 8192

/** Whether a host was given what it says that it runs. Anybody can copy a claim; it names the hosts that it is for. */
export class ReportProofs {
	readonly #trust: Trust
	readonly #proven = new Map<string, ClaimClaims>()

	constructor(trust: Trust) {
		this.#trust = trust
	}

	/** CLAIM_INVALID unless the report's claim is good, is for this workload, and names the host that reports. */
	async check(report: Pick<WorkloadReport, 'id' | 'owner' | 'name' | 'commandId' | 'claim' | 'node'>): Promise<void> {
		const { id, owner, name, commandId, claim, node } = report
		const known = this.#proven.get(claim)
		const isSame = known?.workloadId === id && known.owner === owner && known.name === name
		const order = { owner, name, commandId, workloadId: id }
		// A steward that was removed later took nothing back from the hosts that it gave orders to.
		const said = isSame && known.commandId === commandId ? known : await this.#verified(claim, order)
		if (node.peerId in said.hosts) return
		throw new LatticeError(
			'CLAIM_INVALID',
			`${node.name} reports a workload that was given to other hosts; look after that machine, or remove it.`,
			{
				reason: 'host',
			},
		)
	}

	async #verified(claim: string, order: Parameters<Trust['verifyClaim']>[1]): Promise<ClaimClaims> {
		const said = await this.#trust.verifyClaim(claim, order, { evenRevoked: true })
		const [oldest] = this.#proven.keys()
		if (oldest !== undefined && this.#proven.size >= REMEMBERED) this.#proven.delete(oldest)
		this.#proven.set(claim, said)
		return said
	}
}
