import type { Node, NodeView, PeerPath, Workload } from '../../../agent/protocol/index.ts'
import type { Leaving } from '../../services/services.ts'
import { AlertNotes } from '../monitoring/alert-marks.tsx'
import { Usage } from '../monitoring/usage.tsx'
import { WorkloadRow } from '../overview/workload-row.tsx'
import { Age } from '../ui/age.tsx'
import { Copy } from '../ui/copy.tsx'
import { Fact } from '../ui/fact.tsx'
import { formatBytes, plural } from '../ui/format.ts'
import { Meter } from '../ui/meter.tsx'
import { Status } from '../ui/status.tsx'
import { Capacity, nodeStatus } from './node-card.tsx'
import { NodeLeaving } from './node-leaving.tsx'
import { labelTexts } from './node-row.tsx'
import { Peers } from './peers.tsx'

interface NodePageProps {
	node: Node
	view: NodeView
	/** null: it could not be asked */
	paths: PeerPath[] | null
	workloads: Workload[]
	stale: boolean
	leaving: Leaving
	mayRemove: boolean
}

export function NodePage({ node, view, paths, workloads, stale, leaving, mayRemove }: NodePageProps) {
	const { tone, word } = nodeStatus(node, stale)
	return (
		<article data-node={node.peerId} data-status={stale ? 'unknown' : node.status}>
			<h1 className="mt-2 flex flex-wrap items-baseline gap-x-4 text-2xl font-semibold tracking-tight max-md:text-xl">
				{node.name}
				<span aria-live="polite" className="text-base font-normal tracking-normal">
					<Status tone={tone} word={word} />
				</span>
			</h1>
			<p className="mt-1 text-muted">
				{factLine(node, view)}, seen <Age at={node.lastSeenAt} />
			</p>
			{!node.engine.ready && (
				<p className="card mt-4 p-4">
					{node.engine.reason ?? 'Its container engine does not answer. Start Docker on this machine.'}
				</p>
			)}
			{node.status === 'down' && (
				<p className="card mt-4 p-4">
					No member can reach this machine. What runs there goes on running. See that it has power and network; on it,{' '}
					<code>./lattice doctor</code> says what is wrong.
				</p>
			)}
			<AlertNotes id={node.peerId} />
			<div className="mt-6 grid items-start gap-4 lg:grid-cols-2">
				<section aria-labelledby="capacity" className="card p-4">
					<h2 id="capacity" className="text-lg font-semibold">
						Capacity
					</h2>
					<p className="mt-1 mb-3 text-sm text-muted">
						Memory and CPU as workloads have reserved them, running or not; disk as it is.
					</p>
					<Capacity node={node} />
					<div className="mt-2">
						<Meter
							label="Disk"
							used={node.allocated.diskBytes}
							total={node.capacity.diskBytes}
							text={`${formatBytes(node.allocated.diskBytes)} of ${formatBytes(node.capacity.diskBytes)}`}
						/>
					</div>
				</section>
				<NodeFacts node={node} view={view} />
			</div>
			{paths !== null && <Peers paths={paths} />}
			<Usage url={`/nodes/${node.peerId}/usage`} name={node.name} />
			<section aria-labelledby="workloads" className="mt-8">
				<h2 id="workloads" className="mb-3 text-lg font-semibold">
					Workloads
				</h2>
				{workloads.length === 0 ? (
					<p className="card px-4 py-6 text-muted">Nothing of yours runs here.</p>
				) : (
					<ul className="card">
						{workloads.map((workload) => (
							<WorkloadRow key={workload.id} workload={workload} node={false} />
						))}
					</ul>
				)}
			</section>
			<NodeLeaving
				name={node.name}
				peerId={node.peerId}
				leaving={leaving}
				mayRemove={mayRemove}
				refusal={node.status === 'left' ? `${node.name} has left already.` : null}
			/>
		</article>
	)
}

function NodeFacts({ node, view }: Pick<NodePageProps, 'node' | 'view'>) {
	const labels = labelTexts(node)
	const { status } = view
	const direct = status.addresses.filter((address) => !address.includes('/p2p-circuit'))
	return (
		<section aria-labelledby="facts" className="card min-w-0 p-4">
			<h2 id="facts" className="text-lg font-semibold">
				Facts
			</h2>
			<dl className="mt-2">
				<Fact name="Peer id">
					<span className="flex items-center gap-1">
						<code className="min-w-0 truncate select-all">{node.peerId}</code>
						<Copy text={node.peerId} what="peer id" />
					</span>
				</Fact>
				<Fact name="Addresses">
					{direct.length === 0
						? 'none known'
						: direct.map((address) => (
								<code key={address} className="block truncate select-all" title={address}>
									{address.replace(/\/p2p\/.*$/, '')}
								</code>
							))}
				</Fact>
				<Fact name="Inbound">{inbound(status)}</Fact>
				<Fact name="Gateway">{node.gateway ? 'yes, it fronts workloads of other nodes' : 'no'}</Fact>
				<Fact name="Labels">{labels.length > 0 ? labels.join(', ') : 'none'}</Fact>
				<Fact name="Images">{plural(status.images.length, 'image')} on its engine</Fact>
				<Fact name="Agent">{status.version}</Fact>
			</dl>
		</section>
	)
}

function inbound({ relay, addresses }: NodeView['status']): string {
	if (relay) return 'others can dial it; it relays for those that nobody can'
	if (addresses.some((address) => address.includes('/p2p-circuit')))
		return 'not everybody can dial it; reached through relays'
	return 'not known yet'
}

function factLine(node: Node, { status, roundTripMs }: NodeView): string {
	const engine = node.engine.version ? `Docker ${node.engine.version}` : 'no engine'
	const distance = roundTripMs === null ? null : `${Number(roundTripMs.toFixed(1))} ms away`
	return [`${status.os} ${node.arch}`, engine, distance].filter(Boolean).join(', ')
}
