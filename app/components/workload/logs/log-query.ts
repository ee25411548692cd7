import { useLocation, useSearchParams } from '@remix-run/react'
import { type Dispatch, type SetStateAction, useEffect, useState } from 'react'
import { LEVELS, type LogLevel } from './log-level.ts'

/** Which lines are shown. */
export interface LogQuery {
	search: string
	least: LogLevel
	/** null: all of them */
	replica: number | null
}

export function logQueryOf(parameters: URLSearchParams): LogQuery {
	const replica = parameters.get('replica') ?? ''
	return {
		search: parameters.get('log') ?? '',
		least: LEVELS.find((level) => level === parameters.get('level')) ?? 'debug',
		replica: /^\d{1,4}$/.test(replica) ? Number(replica) : null,
	}
}

/** `search` with the query in it, and whatever else it had. */
export function withLogQuery(search: string, { search: text, least, replica }: LogQuery): string {
	const parameters = new URLSearchParams(search)
	const said = { log: text || null, level: least === 'debug' ? null : least, replica: replica?.toString() ?? null }
	for (const [name, value] of Object.entries(said)) {
		if (value === null) parameters.delete(name)
		else parameters.set(name, value)
	}
	return parameters.size > 0 ? `?${parameters}` : ''
}

/** Safari refuses more than a hundred in half a minute. */
const PAUSE_MS = 250

/**
 * Kept in the URL, so that what one sees can be sent on. Past the router: a letter in a field is no navigation, which
 * would ask every loader. For that the router's own navigations forget it, and it is written again after each.
 */
export function useLogQuery(): [LogQuery, Dispatch<SetStateAction<LogQuery>>] {
	const [parameters] = useSearchParams()
	const location = useLocation()
	const [query, setQuery] = useState(() => logQueryOf(parameters))
	useEffect(() => {
		const timer = setTimeout(() => {
			const { pathname, search, hash } = window.location
			const wanted = withLogQuery(search, query)
			// The page may be on its way out already.
			if (pathname !== location.pathname || wanted === search) return
			window.history.replaceState(window.history.state, '', pathname + wanted + hash)
		}, PAUSE_MS)
		return () => clearTimeout(timer)
	}, [query, location])
	return [query, setQuery]
}
