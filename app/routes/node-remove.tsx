import { type ActionFunctionArgs, data, type LoaderFunctionArgs, type MetaFunction, redirect } from '@remix-run/node'
import { Form, useActionData, useNavigation, useOutletContext } from '@remix-run/react'
import { LeavingList } from '../components/nodes/node-leaving.tsx'
import { ConfirmButtons, ConfirmByName } from '../components/ui/confirm-by-name.tsx'
import { Problem } from '../components/ui/problem.tsx'
import { Sheet } from '../components/ui/sheet.tsx'
import { requireActor } from '../session.server.ts'
import { refusal, statusOf } from '../wire-error.server.ts'
import type { NodeContext } from './node.tsx'

export const meta: MetaFunction = () => [{ title: 'Remove a machine · Lattice' }]

export async function loader({ request, context }: LoaderFunctionArgs) {
	await requireActor(request, context)
	return null
}

export async function action({ request, context, params }: ActionFunctionArgs) {
	const actor = await requireActor(request, context)
	const form = await request.formData()
	const typed = String(form.get('name') ?? '')
	const { nodes } = context.services
	try {
		const { node } = await nodes.get(actor, { peerId: params.peerId })
		if (typed.trim() !== node.name) {
			return data({ typed, mistyped: `Type ${node.name} to remove it.`, error: undefined }, { status: 400 })
		}
		await nodes.remove(actor, { peerId: params.peerId })
		return redirect('/nodes')
	} catch (thrown) {
		const error = refusal(thrown)
		return data({ typed, mistyped: undefined, error }, { status: statusOf(error) })
	}
}

export default function RemoveNode() {
	const answer = useActionData<typeof action>()
	const { node, leaving } = useOutletContext<NodeContext>()
	const sending = useNavigation().formMethod === 'POST'
	const back = `/nodes/${node.peerId}`
	return (
		<Sheet title={`Remove ${node.name}?`} closeTo={back}>
			<Form method="post" className="grid gap-4">
				{answer?.error && <Problem error={answer.error} />}
				<p>
					Every other machine hangs up on it within seconds, and it can come back only with a new invite. Its containers
					go on running there until somebody stops them on that machine.
				</p>
				<div className="max-h-60 overflow-y-auto rounded bg-sunken px-3 py-2">
					<LeavingList leaving={leaving} />
				</div>
				<ConfirmByName name={node.name} typed={answer?.typed} mistyped={answer?.mistyped} />
				<ConfirmButtons verb="Remove" doing="Removing" name={node.name} back={back} sending={sending} />
			</Form>
		</Sheet>
	)
}
