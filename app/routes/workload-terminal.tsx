import type { LoaderFunctionArgs, MetaFunction } from '@remix-run/node'
import { useLoaderData } from '@remix-run/react'
import { ErrorPage } from '../components/shell/error-page.tsx'
import { TerminalPage } from '../components/terminal/terminal-page.tsx'
import { requireActor } from '../session.server.ts'
import { answered } from '../wire-error.server.ts'

export const meta: MetaFunction<typeof loader> = ({ data }) => [
	{ title: `Terminal in ${data?.workload.name ?? 'a workload'} · Lattice` },
]

export async function loader({ request, context, params }: LoaderFunctionArgs) {
	const actor = await requireActor(request, context)
	const { workload, owner } = await answered(context.services.workloads.detail(actor, { id: params.id }))
	const replicas = workload.instances?.map(({ replica }) => replica) ?? []
	const wanted = Number(new URL(request.url).searchParams.get('replica') ?? Number.NaN)
	const replica = replicas.includes(wanted) ? wanted : (replicas[0] ?? 0)
	return { workload: { ...workload, credentials: undefined }, replica, replicas, refusal: refusalOf() }

	function refusalOf(): string | null {
		if (owner.id !== actor.userId) return `Only its owner, ${owner.email}, opens a terminal in it.`
		const up = workload.status === 'running' || workload.status === 'unhealthy' || workload.status === 'starting'
		return up ? null : `It is ${workload.status}: a terminal opens in a container that runs. Start it first.`
	}
}

export default function WorkloadTerminal() {
	return <TerminalPage {...useLoaderData<typeof loader>()} />
}

export function ErrorBoundary() {
	return <ErrorPage />
}
