import { Link } from '@remix-run/react'
import type { Workload } from '../../../agent/protocol/index.ts'
import { useLive } from '../live/live.tsx'
import { AlertMarks } from '../monitoring/alert-marks.tsx'
import { Age } from '../ui/age.tsx'
import { Status, TONE_OF_STATUS } from '../ui/status.tsx'
import { pullOf } from '../workload/progress.ts'

/** One workload; the whole row is its link. `node` is left out on the node's own page. */
export function WorkloadRow({ workload, node = true }: { workload: Workload; node?: boolean }) {
	const pull = pullOf(workload, useLive().events.get(workload.id))
	const word = pull ? `pulling ${Math.floor(pull.percent)} %` : workload.status
	return (
		<li
			data-workload={workload.id}
			data-status={workload.status}
			className="relative grid min-h-10 grid-cols-[minmax(0,1fr)_auto] items-center gap-x-4 gap-y-0.5 border-t border-line px-4 py-2 first:border-t-0 hover:bg-sunken md:grid-cols-[128px_minmax(0,1.4fr)_minmax(0,0.8fr)_minmax(0,1.8fr)_56px]"
		>
			<Status tone={TONE_OF_STATUS[workload.status]} word={word} className="max-md:order-2 max-md:justify-self-end" />
			<span className="flex min-w-0 items-baseline gap-2 max-md:order-1">
				<Link to={`/workloads/${workload.id}`} prefetch="intent" className="row-link truncate font-medium">
					{workload.name}
				</Link>
				<span className="text-sm text-muted">{workload.type}</span>
				<AlertMarks id={workload.id} />
				{workload.replicas > 1 && <span className="text-sm text-muted">× {workload.replicas}</span>}
			</span>
			<span className="truncate text-sm text-muted max-md:order-3">
				{node && (workload.node ? workload.node.name : 'no node yet')}
			</span>
			<span className="truncate text-sm text-muted max-md:order-5 max-md:col-span-2">
				<Where workload={workload} />
			</span>
			<span className="text-right text-sm text-muted max-md:order-4">
				<Age at={workload.createdAt} suffix="" />
			</span>
		</li>
	)
}

function Where({ workload }: { workload: Workload }) {
	if (workload.status === 'failed' || workload.status === 'unknown' || workload.status === 'unhealthy') {
		return <>{workload.error?.message ?? workload.statusReason}</>
	}
	if (!workload.publicUrl) return <>{workload.statusReason}</>
	if (!workload.publicUrl.startsWith('http')) return <code>{workload.publicUrl}</code>
	return (
		<a href={workload.publicUrl} target="_blank" rel="noreferrer" className="link relative z-10">
			{workload.publicUrl.replace(/^https?:\/\//, '')}
		</a>
	)
}
