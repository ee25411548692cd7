import { Form, useNavigation } from '@remix-run/react'
import type { WireError } from '../../../agent/protocol/index.ts'
import { Button, ButtonLink } from '../ui/button.tsx'
import { Problem } from '../ui/problem.tsx'

/** Nothing deployed yet: one click to see the whole thing work. */
export function FirstRun({ commandId, error }: { commandId: string; error?: WireError }) {
	const sending = useNavigation().formAction === '/?index'
	return (
		<section aria-label="First workload" className="card mt-6 p-6 md:p-8">
			<h2 className="text-xl font-semibold">This machine is node one</h2>
			<p className="mt-2 max-w-[60ch] text-muted">
				Deploy a sample PostgreSQL to see a placement, a pull, a start and an endpoint, live. It takes 512 MiB and one
				volume, and is deleted as easily.
			</p>
			{error && (
				<div className="mt-4">
					<Problem error={error} />
				</div>
			)}
			<Form method="post" action="/?index" className="mt-6 flex flex-wrap gap-2">
				<input type="hidden" name="commandId" value={commandId} />
				<Button variant="primary" name="intent" value="sample" disabled={sending}>
					{sending ? 'Deploying…' : 'Deploy a sample PostgreSQL'}
				</Button>
				<ButtonLink to="/deploy">Choose something else</ButtonLink>
			</Form>
		</section>
	)
}
