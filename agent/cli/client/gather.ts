import type { Authority } from '../../commands/authority.ts'
import type { Directory } from '../../commands/directory.ts'
import { resultOf } from '../../commands/results.ts'
import type { ReportProofs } from '../../identity/index.ts'
import type { Peer } from '../../mesh/index.ts'
import { Command, type CommandResult, LatticeError, type Member, type WorkloadReport } from '../../protocol/index.ts'

/** How long members get to be dialled, to admit this device and to say what they hold. */
const GATHER_MS = 5_000

/**
 * What a user's device knows of the lattice. It may not watch nodes, since their reports hold what all tenants ordered;
 * it asks each agent by signed commands, which answer with what the user may see.
 */
export class Gatherer {
	readonly #peer: Peer
	readonly #authority: Authority
	readonly #directory: Directory
	readonly #proofs: ReportProofs
	#members: Member[]
	/** what those that answered say of others */
	readonly #met = new Map<string, Member>()

	constructor(
		modules: { peer: Peer; authority: Authority; directory: Directory; proofs: ReportProofs },
		members: Member[],
	) {
		this.#peer = modules.peer
		this.#authority = modules.authority
		this.#directory = modules.directory
		this.#proofs = modules.proofs
		this.#members = members
	}

	/** Dials who is not connected yet, and asks all. Members that do not answer in time are left out; with none it fails. */
	async refresh(): Promise<void> {
		const failures: LatticeError[] = []
		let answered = 0
		const late = AbortSignal.timeout(GATHER_MS)
		const all = this.#members.map(async (member) => {
			try {
				await this.#peer.dial(member)
				if (await this.#ask(member.peerId, late)) answered += 1
			} catch (error) {
				this.#directory.judge(member.peerId, 'down')
				failures.push(LatticeError.from(error))
			}
		})
		await Promise.race([Promise.all(all), new Promise((resolve) => late.addEventListener('abort', resolve))])
		this.#learn()
		if (answered > 0) return
		// What admission said ("your certificate has expired") helps more than that nobody was there.
		const refusal = failures.find((failure) => failure.code !== 'HOST_UNREACHABLE' && failure.code !== 'TIMEOUT')
		if (refusal) throw refusal
		const names = this.#members.map(({ name }) => name)
		throw new LatticeError(
			'HOST_UNREACHABLE',
			`None of the nodes that this device knows answers (${names.join(', ')}).`,
			{
				members: names,
			},
		)
	}

	/** False for a console, which hosts nothing. */
	async #ask(peerId: string, signal: AbortSignal): Promise<boolean> {
		if (roleOf(this.#peer, peerId) !== 'agent') return false
		const [{ nodes }, { reports, routes }] = await Promise.all([
			this.#command(peerId, { kind: 'nodes' }, signal),
			this.#command(peerId, { kind: 'list' }, signal),
		])
		const own = nodes?.find(({ status }) => status.peerId === peerId)
		if (!own || !reports)
			throw new LatticeError('PROTOCOL_ERROR', 'A node did not say what it holds; update it.', { peerId })
		this.#directory.apply(peerId, { type: 'node', node: own.status })
		const held = new Set(reports.map(({ id }) => id))
		for (const { id, node } of this.#directory.reports()) {
			if (node.peerId !== peerId || held.has(id)) continue
			this.#directory.apply(peerId, { type: 'removed', workloadId: id, at: new Date().toISOString() })
		}
		this.#directory.dropRoutes(peerId)
		for (const each of routes ?? []) this.#directory.apply(peerId, { type: 'routes', ...each })
		for (const report of reports) {
			if (await this.#isProven(peerId, report)) this.#directory.apply(peerId, { type: 'report', report })
		}
		for (const { status } of nodes ?? []) {
			const { peerId, name, addresses } = status
			this.#met.set(peerId, { peerId, name, addresses })
		}
		return true
	}

	/** A node that shows what it was not given is not believed. */
	async #isProven(peerId: string, report: WorkloadReport): Promise<boolean> {
		try {
			await this.#proofs.check({ ...report, node: { ...report.node, peerId } })
			return true
		} catch (thrown) {
			if (LatticeError.from(thrown).code === 'CLAIM_INVALID') return false
			throw thrown
		}
	}

	/** Nodes that joined after the login are known to those that were there. */
	#learn(): void {
		const known = new Set(this.#members.map(({ peerId }) => peerId))
		const more = [...this.#met.values()].filter(({ peerId, addresses }) => !known.has(peerId) && addresses.length > 0)
		this.#members = [...this.#members, ...more]
	}

	async #command(peerId: string, given: Command, signal: AbortSignal): Promise<CommandResult> {
		const command = Command.parse(given)
		const grant = await this.#authority.grant(command, peerId)
		return resultOf(this.#peer.command(peerId, { credential: this.#authority.credential, grant, command }, { signal }))
	}
}

function roleOf(peer: Peer, peerId: string): string | undefined {
	return peer.connected().find((connection) => connection.peerId === peerId)?.certificate.role
}
