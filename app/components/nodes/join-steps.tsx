import type { Node } from '../../../agent/protocol/index.ts'
import type { JoinStep } from '../live/live-store.ts'
import { Status, type Tone } from '../ui/status.tsx'

interface JoinStepsProps {
	/** null: nothing has been heard of the machine */
	join: JoinStep | null
	/** as membership sees it; null before it is seen */
	node: Node | null
}

/** Where a machine that joins has got to, step by step, each with what is missing when it stays there. */
export function JoinSteps({ join, node }: JoinStepsProps) {
	const isSeen = node !== null && node.status === 'alive'
	const steps = [
		{ done: join !== null || node !== null, name: 'Contacted', waiting: 'Listening for it…' },
		{ done: join?.step === 'verified' || node !== null, name: 'Key verified', waiting: 'Checking its key…' },
		{ done: isSeen, name: 'Path found', waiting: 'Looking for a path to it…' },
		{
			done: isSeen && node.engine.ready,
			name: 'Ready',
			waiting: isSeen ? (node.engine.reason ?? 'Its container engine does not answer yet.') : 'Waiting for its engine…',
		},
	]
	const current = steps.findIndex(({ done }) => !done)
	const name = node?.name ?? join?.name
	return (
		<>
			{name !== undefined && (
				<p className="mb-2 font-medium">
					{name} {current === -1 ? 'has joined' : 'is joining'}
				</p>
			)}
			<ol className="grid gap-1">
				{steps.map(({ done, name: step, waiting }, index) => {
					const tone: Tone = done ? 'healthy' : index === current ? 'progressing' : 'stopped'
					return (
						<li key={step} data-step={step} data-done={done} aria-current={index === current ? 'step' : undefined}>
							<Status tone={tone} word={index === current ? waiting : step} />
						</li>
					)
				})}
			</ol>
		</>
	)
}
