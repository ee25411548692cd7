import type { Placement } from '../../../agent/protocol/index.ts'

const ROW = 26
const BAR = 14
const NAME = 120
const SCORE = 52
const WIDTH = 720
const HEAD = 4
/** A lattice of hundreds is a list, not a picture. */
const MOST = 12

interface Segment {
	name: string
	from: number
	to: number
}

interface Bar {
	peerId: string
	name: string
	chosen: boolean
	score: number
	segments: Segment[]
}

/** What each reason adds stands to the right of the axis, what it takes away to the left; zeros are left out. */
export function barsOf({ candidates, chosen }: Placement): Bar[] {
	const taken = new Set(chosen.map(({ node }) => node.peerId))
	return candidates.map(({ node, score, reasons }) => {
		let plus = 0
		let minus = 0
		const segments = reasons.flatMap(({ name, score: part }) => {
			if (part === 0) return []
			const from = part > 0 ? plus : minus + part
			if (part > 0) plus += part
			else minus += part
			return [{ name, from, to: from + Math.abs(part) }]
		})
		return { ...node, chosen: taken.has(node.peerId), score, segments }
	})
}

/** The decision at a glance: each candidate's score as a bar of its reasons, those that were excluded as a dashed line. */
export function PlacementPicture({ placement }: { placement: Placement }) {
	const bars = barsOf(placement).slice(0, MOST)
	const excluded = placement.rejected.slice(0, Math.max(0, MOST - bars.length))
	if (bars.length + excluded.length === 0) return null
	const names = [...new Set(bars.flatMap(({ segments }) => segments.map(({ name }) => name)))]
	const low = Math.min(0, ...bars.flatMap(({ segments }) => segments.map(({ from }) => from)))
	const high = Math.max(1, ...bars.flatMap(({ segments }) => segments.map(({ to }) => to)))
	const x = (value: number) => NAME + ((value - low) / (high - low)) * (WIDTH - NAME - SCORE)
	const height = HEAD + ROW * (bars.length + excluded.length)
	return (
		<figure className="card mb-3 p-4">
			<svg
				viewBox={`0 0 ${WIDTH} ${height}`}
				className="block h-auto w-full"
				role="img"
				aria-label={labelOf(bars, excluded)}
			>
				{bars.map((bar, row) => (
					<g key={bar.peerId} transform={`translate(0 ${HEAD + row * ROW})`} data-chosen={bar.chosen || undefined}>
						<Name text={bar.name} strong={bar.chosen} />
						{bar.segments.map((segment) => (
							<rect
								key={segment.name}
								x={x(segment.from)}
								y={(ROW - BAR) / 2}
								width={Math.max(1, x(segment.to) - x(segment.from) - 1)}
								height={BAR}
								fill="currentColor"
								opacity={shadeOf(names.indexOf(segment.name), names.length)}
							>
								<title>{`${segment.name}: ${Number((segment.to - segment.from).toFixed(1))}`}</title>
							</rect>
						))}
						<text
							x={WIDTH}
							y={ROW / 2 + 4}
							textAnchor="end"
							fontSize="13"
							fontWeight={bar.chosen ? 600 : 400}
							fill="currentColor"
						>
							{Number(bar.score.toFixed(1))}
						</text>
					</g>
				))}
				{excluded.map(({ node }, row) => (
					<g key={node.peerId} transform={`translate(0 ${HEAD + (bars.length + row) * ROW})`} className="text-muted">
						<Name text={node.name} strong={false} />
						<path d={`M${NAME} ${ROW / 2}H${WIDTH - SCORE - 16}`} stroke="currentColor" strokeDasharray="3 4" />
						<text x={WIDTH} y={ROW / 2 + 4} textAnchor="end" fontSize="13" fill="currentColor">
							excluded
						</text>
					</g>
				))}
				<path d={`M${x(0)} 0V${HEAD + bars.length * ROW}`} stroke="currentColor" strokeWidth="1" opacity="0.4" />
			</svg>
			<figcaption className="mt-2 flex flex-wrap gap-x-4 gap-y-1 text-xs text-muted">
				{names.map((name, index) => (
					<span key={name} className="inline-flex items-center gap-1.5">
						<svg viewBox="0 0 10 10" width="10" height="10" aria-hidden className="text-text">
							<rect width="10" height="10" fill="currentColor" opacity={shadeOf(index, names.length)} />
						</svg>
						{name}
					</span>
				))}
			</figcaption>
		</figure>
	)
}

function Name({ text, strong }: { text: string; strong: boolean }) {
	const short = text.length > 16 ? `${text.slice(0, 15)}…` : text
	return (
		<text x={0} y={ROW / 2 + 4} fontSize="13" fontWeight={strong ? 600 : 400} fill="currentColor">
			{short}
		</text>
	)
}

/** Ink in steps: hue belongs to status. */
function shadeOf(index: number, count: number): number {
	return count <= 1 ? 0.9 : 0.9 - (index / (count - 1)) * 0.7
}

function labelOf(bars: readonly Bar[], excluded: Placement['rejected']): string {
	const fits = bars.map(({ name, score, chosen }) => `${name} ${Number(score.toFixed(1))}${chosen ? ', chosen' : ''}`)
	const out = excluded.map(({ node }) => `${node.name} excluded`)
	return `Scores: ${[...fits, ...out].join('; ')}`
}
