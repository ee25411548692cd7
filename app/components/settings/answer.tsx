import type { WireError } from '../../../agent/protocol/index.ts'
import { Problem } from '../ui/problem.tsx'

export interface SettingsAnswer {
	said: string | null
	error: WireError | undefined
}

/** What became of the last change, beside what was changed. */
export function Answer({ answer }: { answer: SettingsAnswer | undefined }) {
	if (!answer) return null
	if (answer.error) return <Problem error={answer.error} />
	return (
		<p role="status" className="font-medium">
			{answer.said}
		</p>
	)
}
