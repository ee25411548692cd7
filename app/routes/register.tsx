import { type ActionFunctionArgs, data, type LoaderFunctionArgs, type MetaFunction, redirect } from '@remix-run/node'
import { Link, useActionData, useLoaderData } from '@remix-run/react'
import { AccountPage } from '../components/shell/account-page.tsx'
import { ErrorPage } from '../components/shell/error-page.tsx'
import { actorOf, signIn } from '../session.server.ts'
import { authenticatorFor } from '../session-strategy.server.ts'
import { answered, refusal, statusOf } from '../wire-error.server.ts'

export const meta: MetaFunction = () => [{ title: 'Create account · Lattice' }]

export async function loader({ request, context }: LoaderFunctionArgs) {
	if (await actorOf(request, context)) throw redirect('/')
	return { fresh: await answered(context.services.accounts.isFresh()) }
}

export async function action({ request, context }: ActionFunctionArgs) {
	const form = await request.clone().formData()
	try {
		const { sessionId } = await authenticatorFor(context).authenticate('register', request)
		return await signIn(context, sessionId, '/')
	} catch (thrown) {
		const error = refusal(thrown)
		return data({ error, email: String(form.get('email') ?? '') }, { status: statusOf(error) })
	}
}

export default function Register() {
	const { fresh } = useLoaderData<typeof loader>()
	const failure = useActionData<typeof action>()
	return (
		<AccountPage
			title="Create account"
			lead={
				fresh
					? 'You are the first here, so you will own this lattice: you invite machines, and you see everything that runs.'
					: 'You will deploy and see your own workloads. The owner of this lattice sees all of them.'
			}
			button="Create account"
			busy="Creating account…"
			passwordHelp="At least 10 characters. A few unrelated words are good."
			autoComplete="new-password"
			failure={failure}
			foot={
				fresh ? (
					'This machine is already node one of it.'
				) : (
					<>
						Have an account?{' '}
						<Link to="/login" className="link text-text">
							Log in
						</Link>
					</>
				)
			}
		/>
	)
}

export function ErrorBoundary() {
	return (
		<main className="mx-auto max-w-xl px-4 py-12">
			<ErrorPage />
		</main>
	)
}
