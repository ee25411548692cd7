import type { LoaderFunctionArgs, MetaFunction } from '@remix-run/node'
import { Link, Outlet, useLoaderData, useRevalidator } from '@remix-run/react'
import { ArrowLeft } from 'lucide-react'
import { useEffect } from 'react'
import type { Node } from '../../agent/protocol/index.ts'
import { useFreshness, useLive, useLiveNodes, useLiveWorkloads } from '../components/live/live.tsx'
import { NodePage } from '../components/nodes/node-page.tsx'
import { ErrorPage } from '../components/shell/error-page.tsx'
import type { Leaving } from '../services/services.ts'
import { requireActor } from '../session.server.ts'
import { answered } from '../wire-error.server.ts'

/** for what opens over the page */
export interface NodeContext {
	node: Node
	leaving: Leaving
}

export const meta: MetaFunction<typeof loader> = ({ data }) => [{ title: `${data?.node.name ?? 'Node'} · Lattice` }]

export async function loader({ request, context, params }: LoaderFunctionArgs) {
	const actor = await requireActor(request, context)
	const detail = await answered(context.services.nodes.get(actor, { peerId: params.peerId }))
	return { ...detail, mayRemove: actor.role !== 'member' }
}

export default function NodeRoute() {
	const loaded = useLoaderData<typeof loader>()
	const nodes = useLiveNodes([loaded.node])
	const node = nodes.find(({ peerId }) => peerId === loaded.node.peerId) ?? loaded.node
	const workloads = useLiveWorkloads(loaded.workloads).filter((workload) => workload.node?.peerId === node.peerId)
	const { stale } = useFreshness()
	const { snapshots } = useLive()
	const { revalidate } = useRevalidator()
	// biome-ignore lint/correctness/useExhaustiveDependencies: a second snapshot means that there was a gap
	useEffect(() => {
		if (snapshots > 1) revalidate()
	}, [snapshots])
	return (
		<>
			<Link to="/nodes" className="inline-flex items-center gap-1 text-sm text-muted hover:text-text max-md:min-h-11">
				<ArrowLeft size={14} aria-hidden />
				All nodes
			</Link>
			<NodePage
				node={node}
				view={loaded.view}
				paths={loaded.paths}
				workloads={workloads}
				stale={stale}
				leaving={loaded.leaving}
				mayRemove={loaded.mayRemove}
			/>
			<Outlet context={{ node, leaving: loaded.leaving } satisfies NodeContext} />
		</>
	)
}

export function ErrorBoundary() {
	return <ErrorPage />
}
