import type { Placement } from '../../../agent/protocol/index.ts'

type Verdict = { label: string; chosen: boolean }

interface Row {
	peerId: string
	name: string
	verdict: Verdict
	score: number | null
	reasons: { text: string; score: number | null }[]
}

function rowsOf({ chosen, candidates, rejected }: Placement): Row[] {
	const replicas = new Map<string, number>()
	for (const { node } of chosen) replicas.set(node.peerId, (replicas.get(node.peerId) ?? 0) + 1)
	const label = (peerId: string): Verdict => {
		const count = replicas.get(peerId) ?? 0
		if (count === 0) return { label: 'fits', chosen: false }
		return { label: count > 1 ? `chosen × ${count}` : 'chosen', chosen: true }
	}
	return [
		...candidates.map(({ node, score, reasons }) => ({
			...node,
			verdict: label(node.peerId),
			score,
			reasons: reasons.map((reason) => ({ text: reason.detail, score: reason.score })),
		})),
		...rejected.map(({ node, reason }) => ({
			...node,
			verdict: { label: 'excluded', chosen: false },
			score: null,
			reasons: [{ text: reason, score: null }],
		})),
	]
}

/** Every node of the lattice by name, and the numbers that spoke for or against it. */
export function PlacementTable({ placement, caption }: { placement: Placement; caption: string }) {
	return (
		<div className="card overflow-x-auto" tabIndex={0} role="region" aria-label={caption}>
			<table className="w-full min-w-[420px] border-collapse text-left">
				<caption className="sr-only">{caption}</caption>
				<thead className="text-sm text-muted">
					<tr>
						<th className="px-4 py-2 font-normal">Node</th>
						<th className="py-2 pr-4 font-normal">Verdict</th>
						<th className="py-2 pr-4 text-right font-normal">Score</th>
						<th className="py-2 pr-4 font-normal">Because</th>
					</tr>
				</thead>
				<tbody>
					{rowsOf(placement).map((row) => (
						<tr key={row.peerId} className="border-t border-line align-top">
							<th scope="row" className={`px-4 py-2 font-medium ${row.score === null ? 'text-muted' : ''}`}>
								{row.name}
							</th>
							<td className={`py-2 pr-4 whitespace-nowrap ${row.verdict.chosen ? 'font-medium' : 'text-muted'}`}>
								{row.verdict.label}
							</td>
							<td className="py-2 pr-4 text-right">{row.score === null ? '–' : Number(row.score.toFixed(1))}</td>
							<td className="py-2 pr-4 text-sm text-muted">
								{row.reasons.map(({ text, score }) => (
									<span key={text} className="mr-3 inline-block">
										{text}
										{score !== null && <span className="ml-1 text-text">{signed(score)}</span>}
									</span>
								))}
							</td>
						</tr>
					))}
				</tbody>
			</table>
		</div>
	)
}

function signed(score: number): string {
	const value = Number(score.toFixed(1))
	return value > 0 ? `+${value}` : String(value)
}
