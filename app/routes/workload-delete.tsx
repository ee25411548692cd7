import { type ActionFunctionArgs, data, type LoaderFunctionArgs, type MetaFunction, redirect } from '@remix-run/node'
import { Form, useActionData, useLoaderData, useNavigation, useOutletContext, useParams } from '@remix-run/react'
import type { Workload } from '../../agent/protocol/index.ts'
import { ConfirmButtons, ConfirmByName } from '../components/ui/confirm-by-name.tsx'
import { Problem } from '../components/ui/problem.tsx'
import { Sheet } from '../components/ui/sheet.tsx'
import { volumesOf } from '../services/volumes.ts'
import { requireActor } from '../session.server.ts'
import { answered, refusal, statusOf } from '../wire-error.server.ts'

export const meta: MetaFunction = () => [{ title: 'Delete a workload · Lattice' }]

export async function loader({ request, context, params }: LoaderFunctionArgs) {
	const actor = await requireActor(request, context)
	const { workload, config } = await answered(context.services.workloads.detail(actor, { id: params.id }))
	return { volumes: volumesOf(workload.type, config) }
}

export async function action({ request, context, params }: ActionFunctionArgs) {
	const actor = await requireActor(request, context)
	const form = await request.formData()
	const typed = String(form.get('name') ?? '')
	const { workloads } = context.services
	try {
		const { workload } = await workloads.detail(actor, { id: params.id })
		if (typed.trim() !== workload.name) {
			return data({ typed, mistyped: `Type ${workload.name} to delete it.`, error: undefined }, { status: 400 })
		}
		await workloads.delete(actor, { id: params.id, ...(form.has('whenBack') && { whenBack: true }) })
		return redirect('/')
	} catch (thrown) {
		const error = refusal(thrown)
		return data({ typed, mistyped: undefined, error }, { status: statusOf(error) })
	}
}

export default function DeleteWorkload() {
	const { volumes } = useLoaderData<typeof loader>()
	const answer = useActionData<typeof action>()
	const workload = useOutletContext<Workload>()
	const { id } = useParams()
	const sending = useNavigation().formMethod === 'POST'
	const unreachable = workload.status === 'unknown' || answer?.error?.code === 'HOST_UNREACHABLE'
	const back = `/workloads/${id}`
	return (
		<Sheet title={`Delete ${workload.name}?`} closeTo={back}>
			<Form method="post" className="grid gap-4">
				{answer?.error && <Problem error={answer.error} />}
				{volumes === null ? (
					<p>Its containers go, and with them the data in all its volumes. This cannot be undone.</p>
				) : volumes.length > 0 ? (
					<div>
						<p>Its containers go, and with them the data in:</p>
						<ul className="mt-2 rounded bg-sunken px-3 py-2">
							{volumes.map(({ name, path }) => (
								<li key={path}>
									<span className="font-medium">{name}</span> <code className="text-muted">{path}</code>
								</li>
							))}
						</ul>
						<p className="mt-2 text-muted">This cannot be undone.</p>
					</div>
				) : (
					<p>Its containers go, and with them what they wrote. It has no volumes. This cannot be undone.</p>
				)}
				<ConfirmByName name={workload.name} typed={answer?.typed} mistyped={answer?.mistyped} />
				{unreachable && (
					<label className="flex min-h-9 items-center gap-2 max-md:min-h-11">
						<input type="checkbox" name="whenBack" />
						{workload.node?.name ?? 'Its node'} cannot be reached: delete when it is back
					</label>
				)}
				<ConfirmButtons verb="Delete" doing="Deleting" name={workload.name} back={back} sending={sending} />
			</Form>
		</Sheet>
	)
}
