import { data, type MetaFunction } from '@remix-run/node'
import { ErrorPage } from '../components/shell/error-page.tsx'

export const meta: MetaFunction = () => [{ title: 'Not found · Lattice' }]

export function loader() {
	throw data(null, { status: 404, statusText: 'Not Found' })
}

export function action() {
	throw data(null, { status: 404, statusText: 'Not Found' })
}

export default function NotFound() {
	return null
}

export function ErrorBoundary() {
	return <ErrorPage />
}
