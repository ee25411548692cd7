import type { WireError, Workload, WorkloadEvent } from '../../../agent/protocol/index.ts'
import type { Snippet } from '../../../agent/templates/template.ts'
import type { WorkloadDetail } from '../../services/services.ts'
import { AlertNotes } from '../monitoring/alert-marks.tsx'
import { Usage } from '../monitoring/usage.tsx'
import { Age } from '../ui/age.tsx'
import { Problem } from '../ui/problem.tsx'
import { Status, TONE_OF_STATUS } from '../ui/status.tsx'
import { Actions } from './actions.tsx'
import { Credentials } from './credentials.tsx'
import { Endpoints } from './endpoints.tsx'
import { LogView } from './logs/log-view.tsx'
import { Order } from './order.tsx'
import { deciderOf, PlacementList } from './placement-list.tsx'
import { pullOf } from './progress.ts'
import { timelineOf } from './timeline.ts'
import { type LastWords, Timeline } from './timeline-view.tsx'

export interface WorkloadPageProps {
	workload: Workload
	detail: Omit<WorkloadDetail, 'workload' | 'events'>
	/** the same order for a shell, without secrets */
	commandLine: string
	events: WorkloadEvent[]
	credentialNames: string[]
	snippets: Snippet[]
	revealed: Record<string, string> | null
	error: WireError | undefined
	lastLines: LastWords | null
}

export function WorkloadPage(props: WorkloadPageProps) {
	const { workload, detail, events } = props
	const pull = pullOf(workload, events)
	return (
		<article data-workload={workload.id} data-status={workload.status}>
			<header className="flex flex-wrap items-start justify-between gap-x-6 gap-y-4">
				<div className="min-w-0">
					<h1 className="flex flex-wrap items-baseline gap-x-4 text-2xl font-semibold tracking-tight break-all max-md:text-xl">
						{workload.name}
						<span className="text-base font-normal tracking-normal">
							<Status
								tone={TONE_OF_STATUS[workload.status]}
								word={pull ? `pulling ${Math.floor(pull.percent)} %` : workload.status}
							/>
						</span>
					</h1>
					{/* The word is announced; the percent that counts beside it is not. */}
					<p role="status" className="sr-only">
						{workload.name} is {workload.status}
					</p>
					<p className="mt-1 text-muted">
						{sentenceOf(workload)}
						<Age at={workload.createdAt} />
					</p>
				</div>
				<Actions workload={workload} />
			</header>
			{props.error && (
				<div className="mt-4">
					<Problem error={props.error} />
				</div>
			)}
			{workload.status === 'unknown' && workload.statusReason && (
				<p className="card mt-4 p-4">{workload.statusReason}</p>
			)}
			<AlertNotes id={workload.id} />
			<Timeline steps={timelineOf(events, workload)} lastLines={props.lastLines} />
			<div className={`mt-4 grid items-start gap-4 ${props.credentialNames.length > 0 ? 'lg:grid-cols-2' : ''}`}>
				<Endpoints workload={workload} />
				<Credentials names={props.credentialNames} snippets={props.snippets} values={props.revealed} />
			</div>
			<LogView
				key={workload.id}
				workloadId={workload.id}
				replicas={workload.replicas}
				status={workload.status}
				events={events}
			/>
			<Usage url={`/workloads/${workload.id}/usage`} name={workload.name} />
			{detail.placement && (
				<section aria-labelledby="placement" className="mt-8">
					<h2 id="placement" className="text-lg font-semibold">
						Placement
					</h2>
					<p className="mb-3 text-sm text-muted">
						Decided by {deciderOf(detail.placement)} <Age at={detail.placement.at} />, from what it knew then.
					</p>
					<PlacementList placement={detail.placement} />
				</section>
			)}
			<Order workload={workload} config={detail.config} owner={detail.owner.email} cli={props.commandLine} />
		</article>
	)
}

function sentenceOf({ type, node, replicas }: Workload): string {
	const what = replicas > 1 ? `${replicas} replicas of ${type}` : type
	return `${what}${node ? ` on ${node.name}` : ''}, created `
}
