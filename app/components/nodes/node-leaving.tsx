import { Link } from '@remix-run/react'
import type { Leaving } from '../../services/services.ts'
import { Button, ButtonLink } from '../ui/button.tsx'
import { plural } from '../ui/format.ts'

interface NodeLeavingProps {
	name: string
	peerId: string
	leaving: Leaving
	mayRemove: boolean
	/** the page is stale, or the machine has left already */
	refusal: string | null
}

/** What leaves with this machine, and the way to make it leave. */
export function NodeLeaving({ name, peerId, leaving, mayRemove, refusal }: NodeLeavingProps) {
	const why = mayRemove ? refusal : 'Owners and admins remove machines.'
	return (
		<section aria-labelledby="leaving" className="mt-8">
			<div className="mb-3 flex flex-wrap items-start justify-between gap-4">
				<h2 id="leaving" className="text-lg font-semibold">
					If this machine leaves
				</h2>
				{why === null ? (
					<ButtonLink to={`/nodes/${peerId}/remove`} preventScrollReset>
						Remove {name}
					</ButtonLink>
				) : (
					<div className="text-right max-md:text-left">
						<Button type="button" disabled aria-describedby="why-not-remove">
							Remove {name}
						</Button>
						<p id="why-not-remove" className="mt-1 text-sm text-muted">
							{why}
						</p>
					</div>
				)}
			</div>
			<div className="card p-4">
				<LeavingList leaving={leaving} />
			</div>
		</section>
	)
}

export function LeavingList({ leaving }: { leaving: Leaving }) {
	const { workloads, hidden } = leaving
	if (workloads.length + hidden === 0) return <p className="text-muted">Nothing is lost: it holds no workload.</p>
	return (
		<ul className="grid gap-3">
			{workloads.map((workload) => (
				<li key={workload.id}>
					<Link to={`/workloads/${workload.id}`} className="font-medium underline">
						{workload.name}
					</Link>
					<p className="text-sm text-muted">{consequence(workload)}</p>
				</li>
			))}
			{hidden > 0 && (
				<li className="text-sm text-muted">{plural(hidden, 'workload')} of other people would be lost.</li>
			)}
		</ul>
	)
}

function consequence({ here, elsewhere, volumes }: Leaving['workloads'][number]): string {
	const data = volumes.length > 0 ? `Its data (${volumes.join(', ')}) exists only here and is lost. ` : ''
	const stays =
		elsewhere > 0 ? `${plural(elsewhere, 'replica')} on other machines ${elsewhere === 1 ? 'goes' : 'go'} on; ` : ''
	const goes = here === 1 ? 'the one here is lost' : `the ${here} here are lost`
	const again = volumes.length > 0 ? 'Start makes it anew and empty elsewhere.' : 'Start runs it on another machine.'
	const sentence = elsewhere > 0 ? `${stays}${goes}.` : 'It stops being reachable.'
	return `${data}${sentence} ${again}`
}
