import type { Placement, WireError } from '../../../agent/protocol/index.ts'
import { PlacementList } from '../workload/placement-list.tsx'

export type Candidates = { placement: Placement; error: null } | { placement: null; error: WireError }

/** Where it would go, by the numbers of now. The box keeps its place while it asks anew. */
export function CandidateTable({ candidates, asking }: { candidates: Candidates | null; asking: boolean }) {
	return (
		<section aria-labelledby="candidates" className="min-w-0">
			<div className="mb-3 flex items-baseline gap-3">
				<h2 id="candidates" className="text-lg font-semibold">
					Where it would run
				</h2>
				<span role="status" className={`fade text-sm text-muted ${asking ? 'opacity-100' : 'opacity-0'}`}>
					{asking ? 'asking…' : ''}
				</span>
			</div>
			<Answer candidates={candidates} />
		</section>
	)
}

function Answer({ candidates }: { candidates: Candidates | null }) {
	if (!candidates) return <p className="card p-4 text-muted">Fill in what is missing above to see which nodes fit.</p>
	if (candidates.error) {
		const incomplete = candidates.error.code === 'INVALID_INPUT'
		return (
			<p className="card p-4 text-muted">
				{incomplete ? 'To see which nodes fit: ' : ''}
				{candidates.error.message.replaceAll('config.', '')}
			</p>
		)
	}
	const { placement } = candidates
	const names = [...new Set(placement.chosen.map(({ node }) => node.name))]
	return (
		<>
			<p className="mb-3">
				{names.length > 0
					? `Now it would run on ${names.join(' and ')}.`
					: 'No node fits. Ask for less, or join another machine; each one says below what it lacks.'}
			</p>
			<PlacementList placement={placement} />
		</>
	)
}
