import { type ActionFunctionArgs, data, type LoaderFunctionArgs, type MetaFunction, redirect } from '@remix-run/node'
import { Link, useActionData, useLoaderData } from '@remix-run/react'
import { AccountPage } from '../components/shell/account-page.tsx'
import { ErrorPage } from '../components/shell/error-page.tsx'
import { actorOf, safeReturn, signIn } from '../session.server.ts'
import { authenticatorFor } from '../session-strategy.server.ts'
import { answered, refusal, statusOf } from '../wire-error.server.ts'

export const meta: MetaFunction = () => [{ title: 'Log in · Lattice' }]

export async function loader({ request, context }: LoaderFunctionArgs) {
	const to = safeReturn(new URL(request.url).searchParams.get('to'))
	if (await actorOf(request, context)) throw redirect(to)
	if (await answered(context.services.accounts.isFresh())) throw redirect('/register')
	return { returning: to !== '/' }
}

export async function action({ request, context }: ActionFunctionArgs) {
	const form = await request.clone().formData()
	try {
		const { sessionId } = await authenticatorFor(context).authenticate('login', request)
		return await signIn(context, sessionId, safeReturn(new URL(request.url).searchParams.get('to')))
	} catch (thrown) {
		const error = refusal(thrown)
		return data({ error, email: String(form.get('email') ?? '') }, { status: statusOf(error) })
	}
}

export default function Login() {
	const { returning } = useLoaderData<typeof loader>()
	const failure = useActionData<typeof action>()
	return (
		<AccountPage
			title="Log in"
			lead={returning ? 'You will return to the page you asked for.' : 'To the console of this lattice.'}
			button="Log in"
			busy="Logging in…"
			autoComplete="current-password"
			failure={failure}
			foot={
				<>
					No account yet?{' '}
					<Link to="/register" className="link text-text">
						Create one
					</Link>
				</>
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
