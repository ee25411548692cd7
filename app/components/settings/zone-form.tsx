import { Form, useNavigation } from '@remix-run/react'
import { Button } from '../ui/button.tsx'
import { useHydrated } from '../ui/clock.tsx'
import { Input } from '../ui/field.tsx'
import { issueFor } from '../ui/problem.tsx'
import { useZone } from '../ui/zone.ts'
import { Answer, type SettingsAnswer } from './answer.tsx'

/** Of this browser: nobody else's pages change with it. */
export function ZoneForm({ answer }: { answer: SettingsAnswer | undefined }) {
	const saving = useNavigation().formData?.get('intent') === 'zone'
	const zone = useZone()
	const hydrated = useHydrated()
	const own = hydrated ? ` (${Intl.DateTimeFormat().resolvedOptions().timeZone})` : ''
	return (
		<section aria-labelledby="zone-title" className="mt-8">
			<h2 id="zone-title" className="text-lg font-semibold">
				Times
			</h2>
			<p className="mt-1 mb-3 max-w-[70ch] text-muted">
				Log lines and graphs are written in this zone, in this browser. Empty: its own{own}.
			</p>
			<Form method="post" preventScrollReset className="card grid max-w-2xl gap-4 p-4">
				<Answer answer={answer} />
				<Input
					id="zone"
					name="zone"
					label="Time zone"
					list="zones"
					autoComplete="off"
					placeholder="Europe/Berlin"
					key={zone}
					defaultValue={zone}
					error={issueFor(answer?.error, 'zone')}
				/>
				{/* Servers and browsers know different lists, so it is the browser's. */}
				<datalist id="zones">
					{hydrated && ['UTC', ...Intl.supportedValuesOf('timeZone')].map((name) => <option key={name} value={name} />)}
				</datalist>
				<div>
					<Button name="intent" value="zone" disabled={saving}>
						{saving ? 'Saving…' : 'Save'}
					</Button>
				</div>
			</Form>
		</section>
	)
}
