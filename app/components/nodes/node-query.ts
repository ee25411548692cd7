/** What of the machines is shown; the URL is its only home. */
export interface NodeQuery {
	search: string
	/** from 1 on */
	page: number
}

export function nodeQueryOf(parameters: URLSearchParams): NodeQuery {
	const page = Math.max(1, Math.floor(Number(parameters.get('page')) || 1))
	return { search: parameters.get('q')?.trim() ?? '', page }
}

export function nodesHref({ search, page }: NodeQuery): string {
	const parameters = new URLSearchParams()
	if (search) parameters.set('q', search)
	if (page > 1) parameters.set('page', String(page))
	const query = parameters.toString()
	return query ? `/nodes?${query}` : '/nodes'
}
