import type { LoaderFunctionArgs, MetaFunction } from '@remix-run/node'
import { Outlet, useLoaderData } from '@remix-run/react'
import { Plus } from 'lucide-react'
import { useFreshness, useLiveNodes } from '../components/live/live.tsx'
import { NodeRow } from '../components/nodes/node-row.tsx'
import { ErrorPage } from '../components/shell/error-page.tsx'
import { Button, ButtonLink } from '../components/ui/button.tsx'
import { plural } from '../components/ui/format.ts'
import { requireActor } from '../session.server.ts'
import { answered } from '../wire-error.server.ts'

export const meta: MetaFunction = () => [{ title: 'Nodes · Lattice' }]

export async function loader({ request, context }: LoaderFunctionArgs) {
	const actor = await requireActor(request, context)
	return { nodes: await answered(context.services.nodes.list(actor)), mayInvite: actor.role !== 'member' }
}

export default function Nodes() {
	const loaded = useLoaderData<typeof loader>()
	const nodes = useLiveNodes(loaded.nodes)
	const { stale } = useFreshness()
	const alive = nodes.filter(({ status }) => status === 'alive').length
	return (
		<>
			<header className="flex flex-wrap items-start justify-between gap-4">
				<div>
					<h1 className="text-2xl font-semibold tracking-tight max-md:text-xl">Nodes</h1>
					<p className="mt-1 text-muted">
						{stale ? 'Not known now' : `${alive} of ${plural(nodes.length, 'machine')} alive`}
					</p>
				</div>
				{loaded.mayInvite ? (
					<ButtonLink to="/nodes/join" preventScrollReset variant="primary">
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
			<ul className="card mt-6">
				{nodes.map((node) => (
					<NodeRow key={node.peerId} node={node} stale={stale} />
				))}
			</ul>
			<Outlet context={nodes} />
		</>
	)
}

export function ErrorBoundary() {
	return <ErrorPage />
}
