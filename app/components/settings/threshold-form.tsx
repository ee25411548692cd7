import { Form, useNavigation } from '@remix-run/react'
import type { Thresholds } from '../../services/thresholds.ts'
import { Button } from '../ui/button.tsx'
import { Input } from '../ui/field.tsx'
import { issueFor } from '../ui/problem.tsx'
import { Answer, type SettingsAnswer } from './answer.tsx'

const FIELDS = [
	{ name: 'cpu', label: 'CPU' },
	{ name: 'memory', label: 'Memory' },
	{ name: 'disk', label: 'Disk' },
] as const

interface ThresholdFormProps {
	thresholds: Thresholds
	mayChange: boolean
	answer: SettingsAnswer | undefined
}

export function ThresholdForm({ thresholds, mayChange, answer }: ThresholdFormProps) {
	const saving = useNavigation().formData?.get('intent') === 'thresholds'
	return (
		<section aria-labelledby="thresholds" className="mt-8">
			<h2 id="thresholds" className="text-lg font-semibold">
				Thresholds
			</h2>
			<p className="mt-1 mb-3 max-w-[70ch] text-muted">
				A node or workload that stays above one of these shares of what it has is marked ▲ wherever it is shown.
			</p>
			<Form method="post" preventScrollReset className="card grid max-w-2xl gap-4 p-4">
				<Answer answer={answer} />
				<div className="grid grid-cols-2 gap-4 md:grid-cols-4">
					{FIELDS.map(({ name, label }) => (
						<Input
							key={name}
							id={`threshold-${name}`}
							name={name}
							label={label}
							unit="%"
							inputMode="numeric"
							autoComplete="off"
							disabled={!mayChange}
							defaultValue={Math.round(thresholds[name] * 100)}
							error={issueFor(answer?.error, name)}
						/>
					))}
					<Input
						id="threshold-minutes"
						name="minutes"
						label="For"
						unit="minutes"
						inputMode="numeric"
						autoComplete="off"
						disabled={!mayChange}
						defaultValue={thresholds.minutes}
						error={issueFor(answer?.error, 'minutes')}
					/>
				</div>
				<div>
					<Button name="intent" value="thresholds" disabled={!mayChange || saving}>
						{saving ? 'Saving…' : 'Save'}
					</Button>
					{!mayChange && <p className="mt-1 text-sm text-muted">Owners and admins set thresholds.</p>}
				</div>
			</Form>
		</section>
	)
}
