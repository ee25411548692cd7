import { Link } from '@remix-run/react'
import type { Workload } from '../../../agent/protocol/index.ts'
import { PageLinks } from '../ui/page-links.tsx'
import { SearchBox } from '../ui/search-box.tsx'
import { StatusGlyph, type Tone } from '../ui/status.tsx'
import { FILTERS, hrefOf, type Query } from './filters.ts'
import { WorkloadRow } from './workload-row.tsx'

interface WorkloadListProps {
	rows: Workload[]
	/** of what the search finds, so that a count says how many rows its filter will show */
	counts: Record<Tone, number>
	query: Query
	page: number
	pages: number
}

export function WorkloadList({ rows, counts, query, page, pages }: WorkloadListProps) {
	const all = Object.values(counts).reduce((sum, count) => sum + count, 0)
	return (
		<section aria-labelledby="workloads" className="mt-8">
			<div className="mb-3 flex flex-wrap items-center gap-x-4 gap-y-2">
				<h2 id="workloads" className="text-lg font-semibold">
					Workloads
				</h2>
				<nav aria-label="Filter by status" className="-mx-1 flex flex-wrap gap-1">
					<FilterLink query={{ ...query, tone: null, page: 1 }} chosen={query.tone === null} label="All" count={all} />
					{FILTERS.filter(({ tone }) => counts[tone] > 0 || tone === query.tone).map(({ tone, label }) => (
						<FilterLink
							key={tone}
							query={{ ...query, tone, page: 1 }}
							chosen={query.tone === tone}
							label={label}
							count={counts[tone]}
							glyph={<StatusGlyph tone={tone} />}
						/>
					))}
				</nav>
				<SearchBox
					action="/"
					label="Search workloads"
					placeholder="Name, type or node"
					search={query.search}
					kept={query.tone ? { status: query.tone } : {}}
				/>
			</div>
			{rows.length > 0 ? (
				<ul className="card">
					{rows.map((workload) => (
						<WorkloadRow key={workload.id} workload={workload} />
					))}
				</ul>
			) : (
				<p className="card px-4 py-6 text-muted">
					No workload matches.{' '}
					<Link to="/" className="link text-text">
						Show all
					</Link>
				</p>
			)}
			<PageLinks page={page} pages={pages} hrefOf={(page) => hrefOf({ ...query, page })} />
		</section>
	)
}

interface FilterLinkProps {
	query: Query
	chosen: boolean
	label: string
	count: number
	glyph?: JSX.Element
}

function FilterLink({ query, chosen, label, count, glyph }: FilterLinkProps) {
	return (
		<Link
			to={hrefOf(query)}
			replace
			preventScrollReset
			aria-current={chosen ? 'true' : undefined}
			className="inline-flex min-h-8 items-center gap-1.5 rounded border border-transparent px-2 text-sm text-muted hover:text-text aria-[current]:border-control aria-[current]:bg-surface aria-[current]:text-text max-md:min-h-11"
		>
			{glyph}
			{label}
			<span className="font-medium">{count}</span>
		</Link>
	)
}
