import { Link } from '@remix-run/react'
import type { PeerPath } from '../../../agent/protocol/index.ts'

/** How this node reaches the others now, by its own word. */
export function Peers({ paths }: { paths: PeerPath[] }) {
	return (
		<section aria-labelledby="peers" className="mt-8">
			<h2 id="peers" className="mb-3 text-lg font-semibold">
				Peers
			</h2>
			{paths.length === 0 ? (
				<p className="card px-4 py-6 text-muted">It is connected with nobody else.</p>
			) : (
				<ul className="card">
					{paths.map(({ peerId, name, through, rttMs }) => (
						<li
							key={peerId}
							className="flex flex-wrap items-baseline gap-x-4 border-t border-line px-4 py-2 first:border-t-0"
							data-peer={peerId}
						>
							<span className="min-w-0 flex-1 truncate">
								{name === 'console' ? name : <Link to={`/nodes/${peerId}`}>{name}</Link>}
							</span>
							<span className="text-muted" data-path={through === null ? 'direct' : 'relayed'}>
								{through === null ? 'direct' : `relayed through ${through}`}
							</span>
							<span className="w-20 text-right tabular-nums text-muted">
								{rttMs === null ? '' : `${Number(rttMs.toFixed(1))} ms`}
							</span>
						</li>
					))}
				</ul>
			)}
		</section>
	)
}
