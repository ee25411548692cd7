import { Form, useNavigation } from '@remix-run/react'
import { Play, RotateCw, Square, SquareTerminal, Trash2 } from 'lucide-react'
import type { Workload } from '../../../agent/protocol/index.ts'
import { Button, ButtonLink } from '../ui/button.tsx'

type Intent = 'start' | 'stop' | 'restart'

const BUSY: Record<Intent, string> = { start: 'Starting…', stop: 'Stopping…', restart: 'Restarting…' }

/** What can be done now; what cannot stays in its place, and says why. */
export function Actions({ workload }: { workload: Workload }) {
	const pending = useNavigation().formData?.get('intent')
	const { status, node } = workload
	const down = status === 'stopped' || status === 'failed'
	const unreachable = status === 'unknown' ? `${node?.name ?? 'Its node'} cannot be reached now.` : null
	const leaving = status === 'deleting' ? 'It is being deleted.' : null
	const blocked = unreachable ?? leaving
	const needsRun = blocked ?? (down || status === 'stopping' ? 'It does not run.' : null)
	const notYet =
		status === 'pending' || status === 'pulling' || status === 'creating' ? 'It has not started yet.' : null
	return (
		<div className="flex flex-wrap gap-2">
			<Form method="post" className="contents">
				{down ? (
					<Act intent="start" pending={pending} why={blocked} icon={<Play size={14} aria-hidden />} label="Start" />
				) : (
					<Act intent="stop" pending={pending} why={needsRun} icon={<Square size={14} aria-hidden />} label="Stop" />
				)}
				<Act
					intent="restart"
					pending={pending}
					why={needsRun ?? notYet}
					icon={<RotateCw size={14} aria-hidden />}
					label="Restart"
				/>
			</Form>
			<ButtonLink to={`/workloads/${workload.id}/terminal`}>
				<SquareTerminal size={14} aria-hidden />
				Terminal
			</ButtonLink>
			<ButtonLink to={`/workloads/${workload.id}/delete`} preventScrollReset>
				<Trash2 size={14} aria-hidden />
				Delete
			</ButtonLink>
		</div>
	)
}

interface ActProps {
	intent: Intent
	pending: unknown
	why: string | null
	icon: JSX.Element
	label: string
}

function Act({ intent, pending, why, icon, label }: ActProps) {
	const busy = pending === intent
	return (
		<Button name="intent" value={intent} disabled={why !== null || busy} title={why ?? undefined}>
			{icon}
			{busy ? BUSY[intent] : label}
		</Button>
	)
}
