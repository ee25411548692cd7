import type { Placement } from '../../../agent/protocol/index.ts'
import { useNow } from '../ui/clock.tsx'
import { formatAge } from '../ui/format.ts'
import { PlacementPicture } from './placement-picture.tsx'

interface Row {
	peerId: string
	name: string
	verdict: string
	chosen: boolean
	score: number | null
	reasons: { text: string; score: number | null }[]
}

function rowsOf({ chosen, candidates, rejected }: Placement): Row[] {
	const replicas = new Map<string, number>()
	for (const { node } of chosen) replicas.set(node.peerId, (replicas.get(node.peerId) ?? 0) + 1)
	const fitting = candidates.map(({ node, score, reasons }) => {
		const count = replicas.get(node.peerId) ?? 0
		const verdict = count > 1 ? `chosen × ${count}` : count === 1 ? 'chosen' : 'fits'
		const parts = reasons.map((reason) => ({ text: reason.detail, score: reason.score }))
		return { ...node, verdict, chosen: count > 0, score, reasons: parts }
	})
	const excluded = rejected.map(({ node, reason }) => ({
		...node,
		verdict: 'excluded',
		chosen: false,
		score: null,
		reasons: [{ text: reason, score: null }],
	}))
	return [...fitting, ...excluded]
}

/** Every node of the lattice by name, and the numbers that spoke for or against it. */
export function PlacementList({ placement }: { placement: Placement }) {
	const now = useNow()
	return (
		<>
			<PlacementPicture placement={placement} />
			<ul className="card @container">
				{rowsOf(placement).map((row) => (
					<li
						key={row.peerId}
						className="grid grid-cols-[minmax(0,1fr)_auto_48px] gap-x-4 gap-y-1 border-t border-line px-4 py-2.5 first:border-t-0 @[720px]:grid-cols-[104px_80px_48px_minmax(0,1fr)]"
					>
						<span className={`truncate ${row.score === null ? 'text-muted' : 'font-medium'}`}>{row.name}</span>
						<span
							className={`max-@[720px]:justify-self-end ${row.score === null ? 'max-@[720px]:col-span-2' : ''} ${row.chosen ? 'font-medium' : 'text-muted'}`}
						>
							{row.verdict}
						</span>
						<span className={`text-right ${row.score === null ? 'max-@[720px]:hidden' : ''}`}>
							{row.score !== null && (
								<>
									<span className="sr-only">score </span>
									{Number(row.score.toFixed(1))}
								</>
							)}
						</span>
						<span className="text-sm text-muted col-span-3 @[720px]:col-span-1">
							{row.reasons.map(({ text, score }) => (
								<span key={text} className="mr-4 inline-block">
									{withAges(text, now)}
									{score !== null && score !== 0 && <span className="ml-1 text-text">{signed(score)}</span>}
								</span>
							))}
						</span>
					</li>
				))}
			</ul>
		</>
	)
}

/** A node that decided is among those it judged; who is not is the console, which runs nothing. */
export function deciderOf({ by, candidates, rejected }: Placement): string {
	return [...candidates, ...rejected].find(({ node }) => node.peerId === by)?.node.name ?? 'the console'
}

/** Reasons travel between machines, so instants in them are ISO 8601; a person asks how long ago. */
function withAges(text: string, now: number): string {
	return text.replace(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, (at) => `${formatAge(now - Date.parse(at))} ago`)
}

function signed(score: number): string {
	const value = Number(score.toFixed(1))
	return value > 0 ? `+${value}` : String(value)
}
