import { type ClaimClaims, peekClaim } from '../identity/index.ts'
import { LatticeError, URGENCY, type WorkloadReport } from '../protocol/index.ts'
import { isOrderedFirst } from '../scheduler/decisions.ts'

/**
 * What several hosts say of one workload as one report. The newest placement says which replica is whose; a replica that
 * it puts elsewhere is on its way out and is not counted. `node` is the host of the first replica.
 */
export function joinReports(reports: readonly WorkloadReport[]): WorkloadReport {
	const [newest, ...older] = [...reports].sort(newestFirst)
	if (!newest) throw new LatticeError('INTERNAL', 'There is no report to join.')
	const placedAt = new Map(newest.placement.chosen.map(({ replica, node }) => [replica, node.peerId]))
	const counted = new Set(newest.replicas.map(({ index }) => index))
	const isHeld = (index: number) =>
		older.some(({ node, replicas }) => placedAt.get(index) === node.peerId && replicas.some((r) => r.index === index))
	const kept = older.map((report) => {
		const replicas = report.replicas.filter(({ index, status }) => {
			if (placedAt.get(index) === report.node.peerId) return true
			// Its host gave it up to this one after a partition.
			return placedAt.has(index) && !counted.has(index) && !isHeld(index) && status !== 'stopping'
		})
		for (const { index } of replicas) counted.add(index)
		return { ...report, replicas }
	})
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
	if (a.generation !== b.generation) return b.generation - a.generation
	if (a.placement.at === b.placement.at) return 0
	const [one, other] = [peekClaim(a.claim), peekClaim(b.claim)]
	if (isOrderedFirst(one, other)) return -1
	if (isOrderedFirst(other, one)) return 1
	return a.placement.at < b.placement.at ? 1 : -1
}

function lowest(report: WorkloadReport): number {
	return Math.min(...report.replicas.map(({ index }) => index))
}

function urgency(report: WorkloadReport): number {
	return URGENCY.indexOf(report.status)
}
