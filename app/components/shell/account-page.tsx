import { Form, useNavigation } from '@remix-run/react'
import type { ReactNode } from 'react'
import type { WireError } from '../../../agent/protocol/index.ts'
import { Button } from '../ui/button.tsx'
import { Input } from '../ui/field.tsx'
import { issueFor, Problem } from '../ui/problem.tsx'
import { Wordmark } from './wordmark.tsx'

interface AccountPageProps {
	title: string
	lead: ReactNode
	button: string
	busy: string
	passwordHelp?: string
	autoComplete: 'current-password' | 'new-password'
	failure?: { error: WireError; email: string }
	foot: ReactNode
}

/** Both account pages: they differ in words only. The password is never sent back. */
export function AccountPage(props: AccountPageProps) {
	const sending = useNavigation().state !== 'idle'
	const error = props.failure?.error
	const fieldErrors = { email: issueFor(error, 'email'), password: issueFor(error, 'password') }
	const general = error && !fieldErrors.email && !fieldErrors.password ? error : null
	return (
		<main className="mx-auto flex min-h-dvh max-w-sm flex-col justify-center px-4 py-12">
			<Wordmark />
			<h1 className="mt-8 text-2xl font-semibold">{props.title}</h1>
			<p className="mt-1 text-muted">{props.lead}</p>
			<Form method="post" className="mt-6 grid gap-4">
				{general && <Problem error={general} />}
				<Input
					id="email"
					name="email"
					type="email"
					label="Email"
					autoComplete="email"
					required
					defaultValue={props.failure?.email}
					error={fieldErrors.email}
				/>
				<Input
					id="password"
					name="password"
					type="password"
					label="Password"
					autoComplete={props.autoComplete}
					required
					help={props.passwordHelp}
					error={fieldErrors.password}
				/>
				<Button variant="primary" disabled={sending} className="mt-2">
					{sending ? props.busy : props.button}
				</Button>
			</Form>
			<p className="mt-6 text-muted">{props.foot}</p>
		</main>
	)
}
