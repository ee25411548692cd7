import { Link } from '@remix-run/react'
import type { Node, Workload } from '../../../agent/protocol/index.ts'
import { useLive } from '../live/live.tsx'
import { nodeStatus } from '../nodes/node-card.tsx'
import { plural } from '../ui/format.ts'
import { TONE_OF_STATUS, type Tone } from '../ui/status.tsx'
import { arcOf, dotsOf, layoutOf, PICTURE_WIDTH } from './lattice-layout.ts'

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

/** Every machine with its rings (outer: memory reserved, inner: CPU) and the workloads on it. What is wrong is told in words above it. */
export function LatticePicture({ nodes, workloads, stale }: { nodes: Node[]; workloads: Workload[]; stale: boolean }) {
	const layout = layoutOf(nodes.length)
	const on = workloadsByNode(workloads)
	const height = layout.rows * layout.cell
	const used = layout.columns * layout.cell
	return (
		// biome-ignore lint/a11y/useSemanticElements: a fieldset is no part of SVG
		<svg
			viewBox={`0 0 ${PICTURE_WIDTH} ${height}`}
			className="block h-auto max-h-[420px] w-full"
			role="group"
			aria-label={`The lattice: ${plural(nodes.length, 'node')}, ${plural(workloads.length, 'workload')}`}
		>
			{nodes.map((node, index) => (
				<g
					key={node.peerId}
					transform={`translate(${(PICTURE_WIDTH - used) / 2 + ((index % layout.columns) + 0.5) * layout.cell} ${(Math.floor(index / layout.columns) + 0.5) * layout.cell})`}
				>
					<Machine
						node={node}
						workloads={on.get(node.peerId) ?? []}
						stale={stale}
						cell={layout.cell}
						named={layout.named}
					/>
				</g>
			))}
		</svg>
	)
}

interface MachineProps {
	node: Node
	workloads: Workload[]
	stale: boolean
	cell: number
	named: boolean
}

function Machine({ node, workloads, stale, cell, named }: MachineProps) {
	const alerts = useLive().alerts.get(node.peerId) ?? []
	const { tone, word } = nodeStatus(node, stale)
	const radius = cell * (named ? 0.36 : 0.42)
	const width = Math.max(2, cell * 0.028)
	const memory = share(node.allocated.memoryBytes, node.capacity.memoryBytes)
	const cpu = share(node.allocated.cpus, node.capacity.cpus)
	const inner = radius - width * 4.5
	const dots = dotsOf(Math.min(workloads.length, DOTS), inner - width)
	const size = Math.max(1.5, Math.min(cell * 0.034, (inner / Math.sqrt(Math.max(1, dots.length))) * 0.5))
	const label = `${node.name}, ${word}, memory ${percent(memory)}, CPU ${percent(cpu)}, ${plural(workloads.length, 'workload')}${alerts.length > 0 ? ', above a threshold' : ''}`
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
			{dots.map(({ x, y }, index) => (
				<Mark key={workloads[index]?.id} workload={workloads[index]} x={x} y={y} size={size} />
			))}
			{workloads.length > DOTS && (
				<text textAnchor="middle" y={4} fontSize={cell * 0.1} className="fill-text">
					{workloads.length}
				</text>
			)}
			{named && (
				<text y={cell * 0.48} textAnchor="middle" fontSize={Math.min(14, cell * 0.15)} className="fill-text">
					{node.name.length > 18 ? `${node.name.slice(0, 17)}…` : node.name}
				</text>
			)}
		</Link>
	)
}

/** Shape and hue, as in every list: a disc is well, a triangle ill, a square failed, a ring stopped, a rhomb unknown. */
function Mark({ workload, x, y, size }: { workload: Workload | undefined; x: number; y: number; size: number }) {
	if (!workload) return null
	const tone = TONE_OF_STATUS[workload.status]
	return (
		<g transform={`translate(${x.toFixed(1)} ${y.toFixed(1)}) scale(${(size / 5).toFixed(3)})`} className={HUE[tone]}>
			<title>{`${workload.name}: ${workload.status}`}</title>
			{tone === 'degraded' && <path d="M0 -6 6 5H-6Z" fill="currentColor" />}
			{tone === 'failed' && <rect x="-5" y="-5" width="10" height="10" fill="currentColor" />}
			{tone === 'unknown' && <path d="M0 -6 6 0 0 6 -6 0Z" fill="none" stroke="currentColor" strokeWidth="1.5" />}
			{(tone === 'stopped' || tone === 'progressing') && (
				<circle r="4.5" fill="none" stroke="currentColor" strokeWidth="2" />
			)}
			{tone === 'healthy' && <circle r="5" fill="currentColor" />}
		</g>
	)
}

function workloadsByNode(workloads: readonly Workload[]): Map<string, Workload[]> {
	const on = new Map<string, Workload[]>()
	for (const workload of workloads) {
		const homes = new Set(workload.instances?.flatMap(({ node }) => (node ? [node.peerId] : [])))
		if (homes.size === 0 && workload.node) homes.add(workload.node.peerId)
		for (const peerId of homes) on.set(peerId, [...(on.get(peerId) ?? []), workload])
	}
	return on
}

function share(used: number, total: number): number {
	return total > 0 ? used / total : 0
}

function percent(part: number): string {
	return `${Math.round(part * 100)} %`
}
