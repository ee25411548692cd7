import { Link } from '@remix-run/react'
import type { Node } from '../../../agent/protocol/index.ts'
import { AlertMarks } from '../monitoring/alert-marks.tsx'
import { formatBytes, formatCores } from '../ui/format.ts'
import { Meter } from '../ui/meter.tsx'
import { Status, TONE_OF_LIVENESS, type Tone } from '../ui/status.tsx'

/** A node that lives but whose engine does not is no healthy node. */
export function nodeStatus(node: Node, stale: boolean): { tone: Tone; word: string } {
	if (stale) return { tone: 'unknown', word: 'unknown' }
	if (node.status === 'alive' && !node.engine.ready) return { tone: 'degraded', word: 'engine down' }
	return { tone: TONE_OF_LIVENESS[node.status], word: node.status }
}

export function NodeCard({ node, stale }: { node: Node; stale: boolean }) {
	const { tone, word } = nodeStatus(node, stale)
	return (
		<li
			className="card relative min-w-0 p-4 hover:border-control"
			data-node={node.peerId}
			data-status={stale ? 'unknown' : node.status}
		>
			<div className="mb-3 flex items-baseline justify-between gap-2">
				<Link to={`/nodes/${node.peerId}`} prefetch="intent" className="row-link truncate font-medium">
					{node.name}
				</Link>
				<Status tone={tone} word={word} className="text-sm" />
			</div>
			<Capacity node={node} />
			<AlertMarks id={node.peerId} />
		</li>
	)
}

export function Capacity({ node }: { node: Node }) {
	const { capacity, allocated } = node
	return (
		<div className="grid gap-2">
			<Meter
				label="Memory"
				used={allocated.memoryBytes}
				total={capacity.memoryBytes}
				text={`${formatBytes(allocated.memoryBytes)} of ${formatBytes(capacity.memoryBytes)}`}
			/>
			<Meter
				label="CPU"
				used={allocated.cpus}
				total={capacity.cpus}
				text={`${Number(allocated.cpus.toFixed(2))} of ${formatCores(capacity.cpus)}`}
			/>
		</div>
	)
}
