import { randomUUID } from 'node:crypto'
import { type ActionFunctionArgs, data, type LoaderFunctionArgs, type MetaFunction, redirect } from '@remix-run/node'
import { useActionData, useLoaderData, useSearchParams } from '@remix-run/react'
import { useFreshness, useLiveNodes } from '../components/live/live.tsx'
import { NodeCard } from '../components/nodes/node-card.tsx'
import { Exceptions } from '../components/overview/exceptions.tsx'
import { queryOf, statusesOf } from '../components/overview/filters.ts'
import { FirstRun } from '../components/overview/first-run.tsx'
import { LatticePicture } from '../components/overview/lattice-picture.tsx'
import { exceptionsOf, summarize } from '../components/overview/summary.ts'
import { useOverview } from '../components/overview/use-overview.ts'
import { WorkloadList } from '../components/overview/workload-list.tsx'
import { ErrorPage } from '../components/shell/error-page.tsx'
import { Age } from '../components/ui/age.tsx'
import { StatusGlyph } from '../components/ui/status.tsx'
import { requireActor } from '../session.server.ts'
import { answered, refusal, statusOf } from '../wire-error.server.ts'

export const meta: MetaFunction = () => [{ title: 'Overview · Lattice' }]

export async function loader({ request, context }: LoaderFunctionArgs) {
	const actor = await requireActor(request, context)
	const { workloads, nodes } = context.services
	const { tone, search, page } = queryOf(new URL(request.url).searchParams)
	const asked = { statuses: statusesOf(tone), search, page }
	const [listed, machines] = await answered(Promise.all([workloads.page(actor, asked), nodes.list(actor)]))
	return { listed, nodes: machines, commandId: randomUUID() }
}

export async function action({ request, context }: ActionFunctionArgs) {
	const actor = await requireActor(request, context)
	const commandId = (await request.formData()).get('commandId')
	try {
		const order = { name: 'sample-postgres', type: 'postgres', config: {}, commandId }
		const { id } = await context.services.workloads.deploy(actor, order)
		return redirect(`/workloads/${id}`)
	} catch (thrown) {
		const error = refusal(thrown)
		return data({ error }, { status: statusOf(error) })
	}
}

export default function Overview() {
	const loaded = useLoaderData<typeof loader>()
	const failure = useActionData<typeof action>()
	const [parameters] = useSearchParams()
	const query = queryOf(parameters)
	const { shown, attention, totals, onNodes } = useOverview(loaded.listed, query)
	const nodes = useLiveNodes(loaded.nodes)
	const { stale, lastAt, console: observer } = useFreshness()
	const { sentence, tone } = summarize(totals)
	return (
		<>
			<div aria-live="polite">
				<h1 className="flex items-baseline gap-3 text-2xl font-semibold tracking-tight max-md:text-xl">
					<StatusGlyph tone={stale ? 'unknown' : tone} className="size-[0.6em]" />
					{sentence}
				</h1>
			</div>
			<p className="mt-1 text-muted">
				Seen from {nodes.find(({ peerId, name }) => peerId === observer || name === observer)?.name ?? 'the console'}{' '}
				<Age at={lastAt} />
			</p>
			<Exceptions exceptions={exceptionsOf(attention, nodes)} />
			{nodes.length > 0 && (
				<div className="card mt-6 p-4">
					<LatticePicture nodes={nodes} onNodes={onNodes} stale={stale} />
				</div>
			)}
			{shown === null ? (
				<FirstRun commandId={loaded.commandId} error={failure?.error} />
			) : (
				<WorkloadList {...shown} query={query} />
			)}
			<section aria-labelledby="nodes" className="mt-8">
				<h2 id="nodes" className="mb-3 text-lg font-semibold">
					Nodes
				</h2>
				<ul className="grid grid-cols-[repeat(auto-fill,minmax(min(100%,240px),1fr))] gap-3">
					{nodes.map((node) => (
						<NodeCard key={node.peerId} node={node} stale={stale} />
					))}
				</ul>
			</section>
		</>
	)
}

export function ErrorBoundary() {
	return <ErrorPage />
}
