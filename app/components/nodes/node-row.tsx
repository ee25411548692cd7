import { Link } from '@remix-run/react'
import type { Node } from '../../../agent/protocol/index.ts'
import { AlertMarks } from '../monitoring/alert-marks.tsx'
import { Age } from '../ui/age.tsx'
import { Status } from '../ui/status.tsx'
import { Capacity, nodeStatus } from './node-card.tsx'

interface NodeRowProps {
	node: Node
	stale: boolean
	/** the address that a search found it by */
	foundAt?: string
}

export function NodeRow({ node, stale, foundAt }: NodeRowProps) {
	const { tone, word } = nodeStatus(node, stale)
	return (
		<li
			data-node={node.peerId}
			data-status={stale ? 'unknown' : node.status}
			className="relative grid grid-cols-[minmax(0,1fr)_auto] items-center gap-x-8 gap-y-3 border-t border-line p-4 first:border-t-0 hover:bg-sunken md:grid-cols-[128px_minmax(0,1fr)_minmax(0,1fr)]"
		>
			<Status tone={tone} word={word} className="max-md:order-2 max-md:self-start" />
			<div className="min-w-0 max-md:order-1">
				<p className="flex items-baseline gap-2">
					<Link to={`/nodes/${node.peerId}`} prefetch="intent" className="row-link truncate font-medium">
						{node.name}
					</Link>
					{node.gateway && <span className="text-sm text-muted">gateway</span>}
					<AlertMarks id={node.peerId} />
				</p>
				<p className="text-sm text-muted md:truncate">
					{[node.arch, node.engine.version && `Docker ${node.engine.version}`, ...labelTexts(node)]
						.filter(Boolean)
						.join(' · ')}
				</p>
				<p className="text-sm text-muted">
					seen <Age at={node.lastSeenAt} />
					{foundAt && (
						<>
							{' '}
							at <code>{foundAt}</code>
						</>
					)}
				</p>
			</div>
			<div className="max-md:order-3 max-md:col-span-2">
				<Capacity node={node} />
			</div>
		</li>
	)
}

export function labelTexts({ labels }: Pick<Node, 'labels'>): string[] {
	return Object.entries(labels).map(([key, value]) => `${key}=${value}`)
}
