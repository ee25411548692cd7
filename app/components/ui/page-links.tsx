import { Link } from '@remix-run/react'

interface PageLinksProps {
	page: number
	pages: number
	hrefOf: (page: number) => string
}

/** Nothing where all is on one page. */
export function PageLinks({ page, pages, hrefOf }: PageLinksProps) {
	if (pages <= 1) return null
	return (
		<nav aria-label="Pages" className="mt-3 flex items-center gap-3 text-sm text-muted">
			{page > 1 && (
				<Link to={hrefOf(page - 1)} className="link inline-flex items-center max-md:min-h-11" rel="prev">
					Previous
				</Link>
			)}
			<span>
				Page {page} of {pages}
			</span>
			{page < pages && (
				<Link to={hrefOf(page + 1)} className="link inline-flex items-center max-md:min-h-11" rel="next">
					Next
				</Link>
			)}
		</nav>
	)
}
