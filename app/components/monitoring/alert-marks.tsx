import type { Alert } from '../../services/thresholds.ts'
import { useAlerts, useNodeName } from '../live/live.tsx'
import { StatusGlyph } from '../ui/status.tsx'

const WORD = { cpu: 'CPU', memory: 'memory', disk: 'disk' } as const

export function alertText({ metric, share }: Alert): string {
	return `${WORD[metric]} ${Math.round(share * 100)} %`
}

/** Beside a name in a list: what of it is above its threshold. */
export function AlertMarks({ id }: { id: string }) {
	const alerts = useAlerts(id)
	if (alerts.length === 0) return null
	return (
		<span className="inline-flex items-center gap-1 text-sm font-medium whitespace-nowrap text-degraded">
			<StatusGlyph tone="degraded" />
			{[...new Set(alerts.map(alertText))].join(', ')}
		</span>
	)
}

/** On its own page: the same in sentences. */
export function AlertNotes({ id }: { id: string }) {
	const alerts = useAlerts(id)
	const nameOf = useNodeName()
	if (alerts.length === 0) return null
	return (
		<ul aria-label="Above a threshold" className="card mt-4">
			{alerts.map((alert) => (
				<li
					key={`${alert.metric}/${alert.node}/${alert.replica}`}
					className="flex items-baseline gap-3 border-t border-line px-4 py-3 first:border-t-0"
				>
					<StatusGlyph tone="degraded" />
					<span>
						{alert.replica !== null && `Replica ${alert.replica} on ${nameOf(alert.node)}: `}
						{WORD[alert.metric]} is at {Math.round(alert.share * 100)} % of what{' '}
						{alert.kind === 'node' ? 'there is' : 'it was given'}, above the threshold of{' '}
						{Math.round(alert.threshold * 100)} %.
					</span>
				</li>
			))}
		</ul>
	)
}
