import { ExternalLink } from 'lucide-react'
import type { Endpoint, EndpointPath, Workload } from '../../../agent/protocol/index.ts'
import { buttonClass } from '../ui/button.tsx'
import { Copy, CopyLine } from '../ui/copy.tsx'
import { EndpointTest } from './endpoint-test.tsx'

const REACH: Record<Endpoint['kind'], string> = {
	ngrok: 'Internet, by ngrok',
	gateway: 'Gateway',
	lan: 'Local network',
	mesh: 'Lattice members',
	host: 'Its own machine',
}

/** The one to give to people first, the others under it; each says from where it can be reached, and how its bytes travel. */
export function Endpoints({ workload }: { workload: Workload }) {
	const { endpoints, publicUrl } = workload
	const others = endpoints.filter(({ url }) => url !== publicUrl)
	const primary = endpoints.find(({ url }) => url === publicUrl)
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
			{endpoints.length === 0 && <p className="mt-2 text-muted">None yet. They appear when the container listens.</p>}
			{primary && (
				<div className="mt-2">
					<CopyLine text={primary.url} what="endpoint" />
					<About endpoint={primary} />
					<EndpointTest url={primary.url} />
				</div>
			)}
			{others.length > 0 && (
				<ul className={primary ? 'mt-3 border-t border-line' : 'mt-2'}>
					{others.map((endpoint) => (
						<li key={`${endpoint.kind}${endpoint.url}`} className="border-t border-line py-2 first:border-t-0">
							<div className="flex items-center gap-1">
								<code className="min-w-0 flex-1 truncate select-all">{endpoint.url}</code>
								<Copy text={endpoint.url} what="endpoint" />
							</div>
							<About endpoint={endpoint} />
							<EndpointTest url={endpoint.url} />
						</li>
					))}
				</ul>
			)}
		</section>
	)
}

function About({ endpoint }: { endpoint: Endpoint }) {
	const { kind, custom, via, protocol, container, replica, path, reachable, reason, warning } = endpoint
	const where = [custom ? 'Its own domain' : REACH[kind], via && `at ${via.name}`].filter(Boolean).join(' ')
	const parts = [
		where,
		`${protocol} to port ${container}`,
		replica !== null && `replica ${replica}`,
		path && wayOf(path),
	]
	return (
		<>
			<p className="mt-1 text-sm text-muted">{parts.filter(Boolean).join(' · ')}</p>
			{reachable === false && (
				<p className="text-sm font-medium text-degraded">
					Does not answer. {reason ?? 'The gateway could not dial it.'}
				</p>
			)}
			{warning && <p className="text-sm font-medium text-degraded">Not encrypted. {warning}</p>}
		</>
	)
}

/** How connections get from the gateway to the container. */
export function wayOf({ kind, through, rttMs }: EndpointPath): string {
	const ways: Record<EndpointPath['kind'], string> = {
		local: 'on the same machine',
		direct: 'straight to its host',
		ready: 'over connections its host keeps ready',
		mesh: 'over the mesh',
		relayed: through ? `relayed through ${through}` : 'relayed',
	}
	return rttMs === null ? ways[kind] : `${ways[kind]}, ${rttMs < 10 ? rttMs.toFixed(1) : Math.round(rttMs)} ms`
}
