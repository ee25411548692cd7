import { setTimeout as delay } from 'node:timers/promises'
import { type ActionFunctionArgs, data, type LoaderFunctionArgs, type MetaFunction, redirect } from '@remix-run/node'
import { Outlet, useActionData, useLoaderData, useNavigate, useRevalidator } from '@remix-run/react'
import { useEffect } from 'react'
import type { LogLine } from '../../agent/protocol/index.ts'
import { templateOf } from '../../agent/templates/catalogue.ts'
import { cliOf } from '../components/deploy/cli.ts'
import { draftOf } from '../components/deploy/draft.ts'
import { useLive, useLiveWorkloads } from '../components/live/live.tsx'
import { mergeEvents } from '../components/live/live-store.ts'
import { ErrorPage } from '../components/shell/error-page.tsx'
import { WorkloadPage } from '../components/workload/page.tsx'
import type { LastWords } from '../components/workload/timeline-view.tsx'
import { requireActor } from '../session.server.ts'
import { answered, refusal, statusOf } from '../wire-error.server.ts'
import { formStartOf } from './deploy-form.server.ts'

export const meta: MetaFunction<typeof loader> = ({ data }) => [
	{ title: `${data?.workload.name ?? 'Workload'} · Lattice` },
]

const LAST_LINES = 20
const LAST_LINES_MS = 1_500

export async function loader({ request, context, params }: LoaderFunctionArgs) {
	const actor = await requireActor(request, context)
	const { workloads } = context.services
	const { workload, events, ...detail } = await answered(workloads.detail(actor, { id: params.id }))
	const broken = workload.status === 'failed' || workload.status === 'unhealthy'
	const template = templateOf(workload.type)
	const { type, fields, secretNames, snippets } = template
	const draft = draftOf(fields, detail.config)
	return {
		// Credentials are not in the page until someone asks: not in its HTML, not in its data.
		workload: { ...workload, credentials: undefined },
		events,
		detail,
		commandLine: cliOf({ name: workload.name, type, fields, draft, defaults: formStartOf(template).defaults }),
		credentialNames: secretNames,
		snippets,
		lastLines: broken ? await lastWords(workloads.logs(actor, { id: params.id, lines: LAST_LINES })) : null,
	}
}

/** A broken workload's page shows its last words; a host that is silent may not hold the page back for them. */
async function lastWords(reading: Promise<{ lines: LogLine[] }>): Promise<LastWords> {
	const late = delay(LAST_LINES_MS, null, { ref: false })
	const read = await Promise.race([reading.catch(onlyRefusals), late])
	return read?.lines ?? 'unreadable'
}

function onlyRefusals(thrown: unknown): null {
	refusal(thrown)
	return null
}

export async function action({ request, context, params }: ActionFunctionArgs) {
	const actor = await requireActor(request, context)
	const form = await request.formData()
	const intent = form.get('intent')
	const { workloads } = context.services
	try {
		if (intent === 'reveal') {
			const { credentials } = await workloads.get(actor, { id: params.id })
			return { credentials: credentials ?? null, error: credentials ? undefined : NOT_MADE }
		}
		if (intent === 'probe') {
			const probed = await workloads.probe(actor, { id: params.id, url: form.get('url') })
			return { credentials: null, error: undefined, probed }
		}
		if (intent !== 'start' && intent !== 'stop' && intent !== 'restart') throw data(null, { status: 400 })
		await workloads[intent](actor, { id: params.id })
		return redirect(`/workloads/${params.id}`)
	} catch (thrown) {
		const error = refusal(thrown)
		return data({ credentials: null, error }, { status: statusOf(error) })
	}
}

const NOT_MADE = {
	code: 'NOT_READY' as const,
	message: 'Its host has not made the credentials yet. They are there once it has started; ask again then.',
	facts: {},
}

export default function WorkloadRoute() {
	const loaded = useLoaderData<typeof loader>()
	const answer = useActionData<typeof action>()
	const live = useLive()
	const [workload = loaded.workload] = useLiveWorkloads([loaded.workload]).filter(({ id }) => id === loaded.workload.id)
	const events = mergeEvents(loaded.events, live.events.get(loaded.workload.id) ?? [])
	useReload(loaded.workload.id, `${loaded.workload.status}/${loaded.workload.generation}`)
	return (
		<>
			<WorkloadPage
				workload={workload}
				detail={loaded.detail}
				commandLine={loaded.commandLine}
				events={events}
				credentialNames={loaded.credentialNames}
				snippets={loaded.snippets}
				revealed={answer?.credentials ?? null}
				error={answer?.error}
				lastLines={loaded.lastLines}
			/>
			<Outlet context={workload} />
		</>
	)
}

/**
 * The stream carries status and events; what hangs on them (placement, last lines, history of a gap) is loaded again
 * when the status is another than the loaded one. Deleted elsewhere: nothing is left to show here.
 */
function useReload(id: string, loadedKey: string) {
	const live = useLive()
	const { revalidate } = useRevalidator()
	const navigate = useNavigate()
	const current = live.workloads.get(id)
	const key = current ? `${current.status}/${current.generation}` : loadedKey
	const removed = live.removed.has(id)
	// biome-ignore lint/correctness/useExhaustiveDependencies: once a change, whatever the loader answers
	useEffect(() => {
		if (key !== loadedKey) revalidate()
	}, [key])
	// biome-ignore lint/correctness/useExhaustiveDependencies: a second snapshot means that there was a gap
	useEffect(() => {
		if (live.snapshots > 1) revalidate()
	}, [live.snapshots])
	useEffect(() => {
		if (removed) navigate('/', { replace: true })
	}, [removed, navigate])
}

export function ErrorBoundary() {
	return <ErrorPage />
}
