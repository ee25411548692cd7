import type { LoaderFunctionArgs } from '@remix-run/node'
import { Outlet, type ShouldRevalidateFunctionArgs, useLoaderData } from '@remix-run/react'
import { TEMPLATES } from '../../agent/templates/catalogue.ts'
import { Live } from '../components/live/live.tsx'
import { ErrorPage } from '../components/shell/error-page.tsx'
import { Shell } from '../components/shell/shell.tsx'
import { requireActor } from '../session.server.ts'
import { themeOf } from '../session-theme.server.ts'

export async function loader({ request, context }: LoaderFunctionArgs) {
	const { email, role } = await requireActor(request, context)
	const services = TEMPLATES.map(({ type, title }) => ({ type, title }))
	return { user: { email, role }, theme: await themeOf(request), services }
}

/** Who one is changes with an action at most; a filter in the URL is no reason to ask. */
export function shouldRevalidate({
	formMethod,
	defaultShouldRevalidate,
	currentUrl,
	nextUrl,
}: ShouldRevalidateFunctionArgs) {
	const sameView = currentUrl.pathname === nextUrl.pathname && currentUrl.search !== nextUrl.search
	return formMethod === 'POST' || (defaultShouldRevalidate && !sameView)
}

export default function Console() {
	const { user, theme, services } = useLoaderData<typeof loader>()
	return (
		<Live>
			<Shell user={user} theme={theme} services={services}>
				<Outlet />
			</Shell>
		</Live>
	)
}

export function ErrorBoundary() {
	return (
		<main className="mx-auto max-w-xl px-4 py-12">
			<ErrorPage />
		</main>
	)
}
