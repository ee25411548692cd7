import { isRouteErrorResponse, Link, useLocation, useRouteError } from '@remix-run/react'
import { buttonClass } from '../ui/button.tsx'

interface Explained {
	code: string
	sentence: string
}

function explain(error: unknown): Explained {
	if (isRouteErrorResponse(error)) {
		const body: unknown = error.data
		if (typeof body === 'object' && body !== null && 'code' in body && 'message' in body) {
			return { code: String(body.code), sentence: String(body.message) }
		}
		if (error.status === 404) {
			return {
				code: 'NOT_FOUND',
				sentence: 'There is no page at this address. It may have been deleted, or the link is cut short.',
			}
		}
		return { code: `HTTP ${error.status}`, sentence: error.statusText || 'The console refused this request.' }
	}
	if (typeof navigator !== 'undefined' && !navigator.onLine) {
		return {
			code: 'OFFLINE',
			sentence: 'This browser is offline. What runs in your lattice goes on; connect and try again.',
		}
	}
	// What fetch throws when nobody answers: the console restarts, or the way to it is cut.
	if (typeof window !== 'undefined' && error instanceof TypeError && /fetch|network|load failed/i.test(error.message)) {
		return {
			code: 'CONSOLE_UNREACHABLE',
			sentence: 'The console does not answer. What runs in your lattice goes on without it; try again in a moment.',
		}
	}
	return {
		code: 'INTERNAL',
		sentence:
			'Something failed inside the console, and its log has the cause. What runs in your lattice is not touched by this.',
	}
}

/** Code, sentence with the remedy, and the two ways on. The same for every route. */
export function ErrorPage() {
	const { code, sentence } = explain(useRouteError())
	const { pathname, search } = useLocation()
	return (
		<section role="alert" className="card max-w-xl p-6">
			<p className="font-mono text-xs text-muted">{code}</p>
			<h1 className="mt-1 text-xl font-semibold">{code === 'NOT_FOUND' ? 'Not found' : 'That did not work'}</h1>
			<p className="mt-2 text-lg">{sentence}</p>
			<div className="mt-6 flex flex-wrap gap-2">
				<Link to={pathname + search} reloadDocument className={buttonClass('primary')}>
					Try again
				</Link>
				<Link to="/" className={buttonClass('secondary')}>
					Overview
				</Link>
			</div>
		</section>
	)
}
