import { Link } from '@remix-run/react'
import type { Node } from '../../../agent/protocol/index.ts'
import type { StatusCounts } from '../../services/services.ts'
import { useLive } from '../live/live.tsx'
import { nodeStatus } from '../nodes/node-card.tsx'
import { plural } from '../ui/format.ts'
import type { Tone } from '../ui/status.tsx'
import { arcOf, type Dot, dotsOf, HUB, heightOf, layoutOf, PICTURE_WIDTH, placesOf, widthOf } from './lattice-layout.ts'
import { marksOf, outlineOf, TONES } from './lattice-marks.ts'
import { commandsOf, routeOf, wiresOf } from './lattice-wires.ts'
import { tonesOf } from './summary.ts'

const HUE: Record<Tone, string> = {
	healthy: 'text-healthy',
	progressing: 'text-progressing',
	degraded: 'text-degraded',
	failed: 'text-failed',
	stopped: 'text-stopped',
	unknown: 'text-unknown',
}
/** Of more than these on one node a number stands for the rest. */
const DOTS = 40

interface LatticePictureProps {
	nodes: Node[]
	/** workloads on each, by peer id */
	onNodes: Record<string, StatusCounts>
	stale: boolean
}

/**
 * The console with a line to each machine that it reaches, dashed where another one relays; the way of each command that
 * is under way; and the machines with their rings (outer: memory reserved, inner: CPU) and the workloads on them. What is
 * wrong is told in words above it.
 */
export function LatticePicture({ nodes, onNodes, stale }: LatticePictureProps) {
	const layout = layoutOf(nodes.length)
	const places = placesOf(nodes, layout)
	const width = widthOf(layout)
	const placeOf = (peerId: string | null) => (peerId === null ? HUB : (places.get(peerId) ?? null))
	const { direct, relayed } = wiresOf(nodes, placeOf)
	const underWay = commandsOf(useLive(), new Set(places.keys()))
	return (
		// biome-ignore lint/a11y/useSemanticElements: a fieldset is no part of SVG
		<svg
			viewBox={`${(PICTURE_WIDTH - width) / 2} 0 ${width} ${heightOf(layout)}`}
			width={width}
			height={heightOf(layout)}
			className="mx-auto block h-auto max-w-full"
			role="group"
			aria-label={`The lattice: ${plural(nodes.length, 'node')}`}
		>
			<g fill="none" stroke="currentColor" strokeWidth="1.5" className="text-line">
				<path d={direct} />
				<path d={relayed} strokeDasharray="3 4" />
			</g>
			{underWay.map(({ workloadId, from, to }) => (
				<path
					key={workloadId}
					d={routeOf(from, to, placeOf)}
					data-command={workloadId}
					fill="none"
					stroke="currentColor"
					strokeWidth="3"
					className="breathe text-progressing"
				/>
			))}
			<Hub />
			{nodes.map((node) => (
				<g key={node.peerId} transform={`translate(${places.get(node.peerId)?.x} ${places.get(node.peerId)?.y})`}>
					<Machine
						node={node}
						counts={tonesOf(onNodes[node.peerId] ?? {})}
						stale={stale}
						cell={layout.cell}
						named={layout.named}
					/>
				</g>
			))}
		</svg>
	)
}

/** The console, from where the lattice is seen. */
function Hub() {
	return (
		<g transform={`translate(${HUB.x} ${HUB.y})`} className="text-muted">
			<circle r="17" className="fill-surface" />
			<path d="M0 -10 10 0 0 10 -10 0Z" fill="none" stroke="currentColor" strokeWidth="1.5" />
			<text x="22" y="4.5" fill="currentColor" className="text-sm max-md:text-[24px]">
				console
			</text>
		</g>
	)
}

interface MachineProps {
	node: Node
	counts: Record<Tone, number>
	stale: boolean
	cell: number
	named: boolean
}

function Machine({ node, counts, stale, cell, named }: MachineProps) {
	const alerts = useLive().alerts.get(node.peerId) ?? []
	const { tone, word } = nodeStatus(node, stale)
	const radius = cell * (named ? 0.36 : 0.42)
	const width = Math.max(2, cell * 0.028)
	const memory = share(node.allocated.memoryBytes, node.capacity.memoryBytes)
	const cpu = share(node.allocated.cpus, node.capacity.cpus)
	const inner = radius - width * 4.5
	const total = Object.values(counts).reduce((sum, count) => sum + count, 0)
	const dots = dotsOf(Math.min(total, DOTS), inner - width)
	const marks = marksOf(counts, dots)
	const size = Math.max(1.5, Math.min(cell * 0.034, (inner / Math.sqrt(Math.max(1, dots.length))) * 0.5))
	const label = `${node.name}, ${word}, memory ${percent(memory)}, CPU ${percent(cpu)}, ${wordsOf(counts, total)}${alerts.length > 0 ? ', above a threshold' : ''}`
	const isDown = tone !== 'healthy' || alerts.length > 0
	return (
		<Link
			to={`/nodes/${node.peerId}`}
			aria-label={label}
			className={isDown && tone === 'healthy' ? HUE.degraded : HUE[tone]}
		>
			<title>{label}</title>
			<circle r={radius + width} className="fill-surface" />
			<circle
				r={radius}
				fill="none"
				className={isDown ? '' : 'text-line'}
				stroke="currentColor"
				strokeWidth={width}
				strokeDasharray={tone === 'unknown' || tone === 'failed' ? `${width * 2} ${width * 2}` : undefined}
			/>
			<circle r={radius - width * 2} fill="none" stroke="currentColor" strokeWidth={width} className="text-line" />
			{tone !== 'failed' && tone !== 'unknown' && (
				<g className="text-text" fill="none" stroke="currentColor" strokeWidth={width}>
					{memory > 0 && <path d={arcOf(memory, radius)} />}
					{cpu > 0 && <path d={arcOf(cpu, radius - width * 2)} opacity="0.55" />}
				</g>
			)}
			{marks.map(({ tone, at }) => (
				<Marks key={tone} tone={tone} at={at} size={size} />
			))}
			{total > DOTS && (
				<text textAnchor="middle" y={4} fontSize={cell * 0.1} className="fill-text">
					{total}
				</text>
			)}
			{named && (
				<text
					y={cell * 0.48}
					textAnchor="middle"
					fontSize={Math.min(14, cell * 0.15)}
					// on a phone the picture is a third as wide: short names are larger, long ones are in the list below
					className={`fill-text ${node.name.length <= 10 ? 'max-md:text-[26px]' : 'max-md:hidden'}`}
				>
					{node.name.length > 18 ? `${node.name.slice(0, 17)}…` : node.name}
				</text>
			)}
		</Link>
	)
}

/** Shape and hue, as in every list: a disc is well, a triangle ill, a square failed, a ring stopped, a rhomb unknown. */
function Marks({ tone, at, size }: { tone: Tone; at: readonly Dot[]; size: number }) {
	const solid = tone === 'healthy' || tone === 'degraded' || tone === 'failed'
	return (
		<path
			d={at.map((dot) => outlineOf(tone, dot, size)).join('')}
			className={HUE[tone]}
			fill={solid ? 'currentColor' : 'none'}
			stroke={solid ? undefined : 'currentColor'}
			strokeWidth={solid ? undefined : (size * 0.35).toFixed(1)}
		/>
	)
}

function share(used: number, total: number): number {
	return total > 0 ? used / total : 0
}

/** `3 workloads: 2 healthy, 1 failed` */
function wordsOf(counts: Record<Tone, number>, total: number): string {
	const words = TONES.filter((tone) => counts[tone] > 0).map((tone) => `${counts[tone]} ${tone}`)
	return plural(total, 'workload') + (words.length > 0 ? `: ${words.join(', ')}` : '')
}

function percent(part: number): string {
	return `${Math.round(part * 100)} %`
}
