import { ExternalLink } from 'lucide-react'
import type { Endpoint, Workload } from '../../../agent/protocol/index.ts'
import { buttonClass } from '../ui/button.tsx'
import { Copy } from '../ui/copy.tsx'

const REACH: Record<Endpoint['kind'], string> = {
	ngrok: 'Internet, by ngrok',
	gateway: 'Gateway',
	lan: 'Local network',
	mesh: 'Lattice members',
	host: 'Its own machine',
}

/** Best first, as the console dialled them; each says from where it can be reached. */
export function Endpoints({ workload }: { workload: Workload }) {
	const { endpoints, publicUrl } = workload
	return (
		<section aria-labelledby="endpoints" className="card p-4">
			<div className="flex min-h-8 items-center justify-between gap-2">
				<h2 id="endpoints" className="text-lg font-semibold">
					Endpoints
				</h2>
				{publicUrl?.startsWith('http') && (
					<a href={publicUrl} target="_blank" rel="noreferrer" className={buttonClass('secondary')}>
						Open
						<ExternalLink size={14} aria-hidden />
					</a>
				)}
			</div>
			{endpoints.length === 0 ? (
				<p className="mt-2 text-muted">None yet. They appear when the container listens.</p>
			) : (
				<ul className="mt-2">
					{endpoints.map((endpoint) => (
						<li key={`${endpoint.kind}${endpoint.url}`} className="border-t border-line py-2 first:border-t-0">
							<p className="text-sm text-muted">
								{REACH[endpoint.kind]} · {endpoint.protocol} to port {endpoint.container}
								{endpoint.replica !== null && `, replica ${endpoint.replica}`}
							</p>
							<div className="flex items-center gap-1">
								<code className="min-w-0 flex-1 truncate select-all">{endpoint.url}</code>
								<Copy text={endpoint.url} what="endpoint" />
							</div>
						</li>
					))}
				</ul>
			)}
		</section>
	)
}
