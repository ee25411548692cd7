import type { LinksFunction, LoaderFunctionArgs, MetaFunction } from '@remix-run/node'
import { Links, Meta, Outlet, Scripts, ScrollRestoration, useRouteLoaderData } from '@remix-run/react'
import { type ReactNode, useContext } from 'react'
import { ErrorPage } from './components/shell/error-page.tsx'
import { NavigationProgress } from './components/shell/navigation-progress.tsx'
import { NonceContext } from './components/shell/nonce.ts'
import { Clock } from './components/ui/clock.tsx'
import { ZoneContext } from './components/ui/zone.ts'
import { themeOf } from './session-theme.server.ts'
import { zoneOf } from './session-zone.server.ts'
import styles from './styles/app.css?url'

export const links: LinksFunction = () => [
	{ rel: 'stylesheet', href: styles },
	{ rel: 'icon', href: '/favicon.svg', type: 'image/svg+xml' },
]

export const meta: MetaFunction = () => [{ title: 'Lattice' }]

export async function loader({ request }: LoaderFunctionArgs) {
	return { theme: await themeOf(request), zone: await zoneOf(request), renderedAt: Date.now() }
}

/** The clock's start, the theme and the zone do not change with a click elsewhere. */
export function shouldRevalidate({ formAction, formData }: { formAction?: string; formData?: FormData }) {
	return formAction?.startsWith('/theme') || formData?.get('intent') === 'zone'
}

export function Layout({ children }: { children: ReactNode }) {
	const data = useRouteLoaderData<typeof loader>('root')
	const nonce = useContext(NonceContext)
	return (
		<html lang="en" data-theme={data?.theme ?? 'system'}>
			<head>
				<meta charSet="utf-8" />
				<meta name="viewport" content="width=device-width, initial-scale=1" />
				<meta name="color-scheme" content="light dark" />
				<Meta />
				<Links />
			</head>
			<body>
				<Clock renderedAt={data?.renderedAt ?? 0}>
					<ZoneContext.Provider value={data?.zone ?? ''}>
						<NavigationProgress />
						{children}
					</ZoneContext.Provider>
				</Clock>
				<ScrollRestoration nonce={nonce} />
				<Scripts nonce={nonce} />
			</body>
		</html>
	)
}

export default function App() {
	return <Outlet />
}

export function ErrorBoundary() {
	return (
		<main className="mx-auto max-w-xl px-4 py-12">
			<ErrorPage />
		</main>
	)
}
