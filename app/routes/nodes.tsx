import type { LoaderFunctionArgs, MetaFunction } from '@remix-run/node'
import { Link, Outlet, useLoaderData, useLocation, useSearchParams } from '@remix-run/react'
import { Plus } from 'lucide-react'
import { useFreshness } from '../components/live/live.tsx'
import { nodeQueryOf, nodesHref } from '../components/nodes/node-query.ts'
import { NodeRow } from '../components/nodes/node-row.tsx'
import { useNodePage } from '../components/nodes/use-node-page.ts'
import { ErrorPage } from '../components/shell/error-page.tsx'
import { Button, ButtonLink } from '../components/ui/button.tsx'
import { plural } from '../components/ui/format.ts'
import { PageLinks } from '../components/ui/page-links.tsx'
import { SearchBox } from '../components/ui/search-box.tsx'
import { requireActor } from '../session.server.ts'
import { answered } from '../wire-error.server.ts'

export const meta: MetaFunction = () => [{ title: 'Nodes · Lattice' }]

export async function loader({ request, context }: LoaderFunctionArgs) {
	const actor = await requireActor(request, context)
	const query = nodeQueryOf(new URL(request.url).searchParams)
	return { listed: await answered(context.services.nodes.page(actor, query)), mayInvite: actor.role !== 'member' }
}

export default function Nodes() {
	const loaded = useLoaderData<typeof loader>()
	const [parameters] = useSearchParams()
	const query = nodeQueryOf(parameters)
	const { rows, nodes, total, alive } = useNodePage(loaded.listed, query)
	const { page, pages, found, foundAt } = loaded.listed
	const { search } = useLocation()
	const { stale } = useFreshness()
	return (
		<>
			<header className="flex flex-wrap items-start justify-between gap-4">
				<div>
					<h1 className="text-2xl font-semibold tracking-tight max-md:text-xl">Nodes</h1>
					<p className="mt-1 text-muted">{stale ? 'Not known now' : `${alive} of ${plural(total, 'machine')} alive`}</p>
				</div>
				{loaded.mayInvite ? (
					<ButtonLink to={`/nodes/join${search}`} preventScrollReset variant="primary">
						<Plus size={16} aria-hidden />
						Join a machine
					</ButtonLink>
				) : (
					<div className="text-right">
						<Button type="button" variant="primary" disabled>
							<Plus size={16} aria-hidden />
							Join a machine
						</Button>
						<p className="mt-1 text-sm text-muted">Owners and admins invite machines.</p>
					</div>
				)}
			</header>
			<section aria-label="Machines" className="mt-6">
				<div className="mb-3 flex flex-wrap items-center gap-x-4 gap-y-2">
					<p role="status" className="text-sm text-muted">
						{query.search && `${plural(found, 'machine')} found`}
					</p>
					<SearchBox
						action="/nodes"
						label="Search machines"
						placeholder="Name, label or address"
						search={query.search}
					/>
				</div>
				{rows.length > 0 ? (
					<ul className="card">
						{rows.map((node) => (
							<NodeRow key={node.peerId} node={node} stale={stale} foundAt={foundAt[node.peerId]} />
						))}
					</ul>
				) : (
					<p className="card px-4 py-6 text-muted">
						{query.search ? `No machine matches “${query.search}”.` : 'No machine has joined yet.'}{' '}
						{query.search && (
							<Link to="/nodes" className="link text-text">
								Show all
							</Link>
						)}
					</p>
				)}
				<PageLinks page={page} pages={pages} hrefOf={(page) => nodesHref({ ...query, page })} />
			</section>
			<Outlet context={nodes} />
		</>
	)
}

export function ErrorBoundary() {
	return <ErrorPage />
}
