import { type ActionFunctionArgs, data, type LoaderFunctionArgs, type MetaFunction } from '@remix-run/node'
import { Form, useActionData, useLocation, useNavigation, useOutletContext } from '@remix-run/react'
import type { Node } from '../../agent/protocol/index.ts'
import { JoinWatch } from '../components/nodes/join-watch.tsx'
import { Button } from '../components/ui/button.tsx'
import { Input, Select } from '../components/ui/field.tsx'
import { issueFor, Problem } from '../components/ui/problem.tsx'
import { Sheet } from '../components/ui/sheet.tsx'
import { requireActor } from '../session.server.ts'
import { refusal, statusOf } from '../wire-error.server.ts'

export const meta: MetaFunction = () => [{ title: 'Join a machine · Lattice' }]

export async function loader({ request, context }: LoaderFunctionArgs) {
	await requireActor(request, context)
	return null
}

const LIFETIMES = [
	{ seconds: 900, label: '15 minutes' },
	{ seconds: 3_600, label: '1 hour' },
	{ seconds: 86_400, label: '1 day' },
]

export async function action({ request, context }: ActionFunctionArgs) {
	const actor = await requireActor(request, context)
	const form = await request.formData()
	const typed = String(form.get('labels') ?? '')
	const pairs = typed.split(/[\s,]+/).filter(Boolean)
	const labels = Object.fromEntries(pairs.map((pair) => [pair.split('=', 1)[0], pair.slice(pair.indexOf('=') + 1)]))
	try {
		const invite = await context.services.nodes.invite(actor, {
			ttlSeconds: Number(form.get('ttlSeconds')),
			uses: 1,
			labels,
		})
		return { invite, typed, error: undefined }
	} catch (thrown) {
		const error = refusal(thrown)
		return data({ invite: null, typed, error }, { status: statusOf(error) })
	}
}

export default function JoinMachine() {
	const answer = useActionData<typeof action>()
	const nodes = useOutletContext<Node[]>()
	const { search } = useLocation()
	const sending = useNavigation().formMethod === 'POST'
	return (
		<Sheet title="Join a machine" closeTo={`/nodes${search}`}>
			{answer?.invite ? (
				<JoinWatch key={answer.invite.token} invite={answer.invite} nodes={nodes} />
			) : (
				<Form method="post" className="grid gap-4">
					<p className="text-muted">
						You get one line to paste on the other machine. It needs no open port and no SSH there, only a way to reach
						this one.
					</p>
					{answer?.error && <Problem error={answer.error} />}
					<Select id="ttl" name="ttlSeconds" label="Valid for" defaultValue="3600">
						{LIFETIMES.map(({ seconds, label }) => (
							<option key={seconds} value={seconds}>
								{label}
							</option>
						))}
					</Select>
					<Input
						id="labels"
						name="labels"
						label="Labels"
						optional
						placeholder="region=home disk=ssd"
						help="Deployments can ask for them."
						autoComplete="off"
						autoCapitalize="off"
						spellCheck={false}
						defaultValue={answer?.typed}
						error={issueFor(answer?.error, 'labels')}
					/>
					<div className="flex justify-end">
						<Button variant="primary" disabled={sending}>
							{sending ? 'Creating…' : 'Create the line'}
						</Button>
					</div>
				</Form>
			)}
		</Sheet>
	)
}
