import { type ClaimClaims, peekClaim } from '../identity/index.ts'
import { LatticeError, URGENCY, type WorkloadReport } from '../protocol/index.ts'

/**
 * What several hosts say of one workload as one report. The newest placement says which replica is whose; a replica that
 * it puts elsewhere is on its way out and is not counted. `node` is the host of the first replica.
 */
export function joinReports(reports: readonly WorkloadReport[]): WorkloadReport {
	const [newest, ...older] = [...reports].sort(newestFirst)
	if (!newest) throw new LatticeError('INTERNAL', 'There is no report to join.')
	const placedAt = new Map(newest.placement.chosen.map(({ replica, node }) => [replica, node.peerId]))
	const kept = older.map((report) => ({
		...report,
		replicas: report.replicas.filter(({ index }) => placedAt.get(index) === report.node.peerId),
	}))
	const holding = [newest, ...kept].filter((report) => report.replicas.length > 0)
	const [first] = [...holding].sort((a, b) => lowest(a) - lowest(b))
	if (!first) return newest
	const worst = holding.reduce((a, b) => (urgency(b) < urgency(a) ? b : a))
	const { status, statusReason, error } = worst
	const replicas = holding.flatMap((report) => report.replicas).sort((a, b) => a.index - b.index)
	return { ...newest, node: first.node, status, statusReason, error, replicas }
}

/** One report a workload, in the order in which they were first named. */
export function byWorkload(reports: readonly WorkloadReport[]): WorkloadReport[] {
	return [...Map.groupBy(reports, ({ id }) => id).values()].map(joinReports)
}

/** The newest decision that these hosts took orders by. */
export function newestClaim(reports: readonly WorkloadReport[]): ClaimClaims & { token: string } {
	const claims = reports.map(({ claim: token }) => ({ ...peekClaim(token), token }))
	const [newest] = claims.sort((a, b) => b.generation - a.generation)
	if (!newest) throw new LatticeError('INTERNAL', 'There is no report that could name a claim.')
	return newest
}

function newestFirst(a: WorkloadReport, b: WorkloadReport): number {
	return b.generation - a.generation || (a.placement.at < b.placement.at ? 1 : a.placement.at > b.placement.at ? -1 : 0)
}

function lowest(report: WorkloadReport): number {
	return Math.min(...report.replicas.map(({ index }) => index))
}

function urgency(report: WorkloadReport): number {
	return URGENCY.indexOf(report.status)
}
