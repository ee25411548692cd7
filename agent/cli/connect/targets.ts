import type { DialTarget } from '../../endpoints/dialer.ts'
import { LatticeError, type WorkloadReport } from '../../protocol/index.ts'
import { templateOf } from '../../templates/catalogue.ts'
import type { DeclaredPort } from '../../templates/template.ts'

/** A replica that a connection may go to, and how many do so now. */
export interface Choice {
	target: DialTarget
	open: number
}

const UP: readonly string[] = ['running', 'unhealthy', 'starting']

export function declaredPorts(report: WorkloadReport): DeclaredPort[] {
	const template = templateOf(report.type)
	return template.ports(template.schema.parse(report.config))
}

/** The ports to connect to, at least one; `wanted` picks it. */
export function portsOf(report: WorkloadReport, wanted?: number): DeclaredPort[] {
	const declared = declaredPorts(report)
	const ports = wanted === undefined ? declared : declared.filter(({ container }) => container === wanted)
	if (ports.length > 0) return ports
	const has = declared.map(({ container }) => container).join(', ') || 'none'
	const what = wanted === undefined ? 'declares no port' : `has no port ${wanted}`
	throw new LatticeError('INVALID_INPUT', `${report.name} ${what} to connect to; it declares ${has}.`, {
		declared: has,
	})
}

/** Where a connection to that port may go: each host's replicas that are up, those that run before those that do not yet. */
export function targetsOf(reports: readonly WorkloadReport[], container: number): DialTarget[] {
	const all = reports.flatMap((report) =>
		report.replicas
			.filter(({ status }) => UP.includes(status))
			.map(({ index, status }) => ({
				status,
				target: { peerId: report.node.peerId, workloadId: report.id, replica: index, container },
			})),
	)
	return all.toSorted((a, b) => UP.indexOf(a.status) - UP.indexOf(b.status)).map(({ target }) => target)
}

/** The least used first; among equals the one after the last, so that each gets its turn. */
export function inTurn(choices: readonly Choice[], turn: number): DialTarget[] {
	const from = choices.length === 0 ? 0 : turn % choices.length
	const rotated = [...choices.slice(from), ...choices.slice(0, from)]
	return rotated.toSorted((a, b) => a.open - b.open).map(({ target }) => target)
}
