import { Form, useNavigation } from '@remix-run/react'
import type { NgrokStatus } from '../../services/services.ts'
import { Age } from '../ui/age.tsx'
import { Button } from '../ui/button.tsx'
import { CopyLine } from '../ui/copy.tsx'
import { Input } from '../ui/field.tsx'
import { issueFor } from '../ui/problem.tsx'
import { Answer, type SettingsAnswer } from './answer.tsx'

/** The token goes in and never comes out again: a new one replaces it. */
export function NgrokToken({ status, answer }: { status: NgrokStatus; answer: SettingsAnswer | undefined }) {
	const saving = useNavigation().formData?.get('intent')?.toString().startsWith('ngrok') === true
	return (
		<section aria-labelledby="ngrok" className="mt-8">
			<h2 id="ngrok" className="text-lg font-semibold">
				ngrok
			</h2>
			<p className="mt-1 mb-3 max-w-[70ch] text-muted">
				With an auth token, workloads that are exposed by ngrok get a public URL from it. It is kept sealed, goes only
				to the machines that run such workloads, and is never shown again.{' '}
				{status.configured ? (
					<>
						There is one
						{status.changedAt && (
							<>
								, set <Age at={status.changedAt} />
							</>
						)}
						.
					</>
				) : (
					'There is none.'
				)}
			</p>
			<Form method="post" preventScrollReset className="card grid max-w-2xl gap-4 p-4">
				<Answer answer={answer} />
				<Input
					id="ngrok-token"
					name="token"
					type="password"
					label={status.configured ? 'New auth token' : 'Auth token'}
					autoComplete="off"
					error={issueFor(answer?.error, 'token')}
				/>
				<div className="flex gap-2">
					<Button name="intent" value="ngrok" disabled={saving}>
						{saving ? 'Saving…' : 'Save'}
					</Button>
					{status.configured && (
						<Button name="intent" value="ngrok-clear" disabled={saving}>
							Take it away
						</Button>
					)}
				</div>
			</Form>
			<div className="mt-4 max-w-xl">
				<CopyLine text="./lattice settings ngrok --token-stdin < token" what="command" />
			</div>
		</section>
	)
}
