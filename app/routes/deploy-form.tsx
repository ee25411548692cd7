import { randomUUID } from 'node:crypto'
import { type ActionFunctionArgs, data, type LoaderFunctionArgs, type MetaFunction, redirect } from '@remix-run/node'
import { useActionData, useLoaderData } from '@remix-run/react'
import { templateOf } from '../../agent/templates/catalogue.ts'
import { configOf, draftOfForm } from '../components/deploy/draft.ts'
import { DeployForm } from '../components/deploy/form.tsx'
import { ErrorPage } from '../components/shell/error-page.tsx'
import { requireActor } from '../session.server.ts'
import { answered, refusal, statusOf } from '../wire-error.server.ts'
import { candidatesFor, formStartOf, missingIssues } from './deploy-form.server.ts'

export const meta: MetaFunction<typeof loader> = ({ data }) => [
	{ title: `Deploy ${data?.template.title ?? ''} · Lattice` },
]

export async function loader({ request, context, params }: LoaderFunctionArgs) {
	const actor = await requireActor(request, context)
	const template = await answered((async () => templateOf(params.type ?? ''))())
	const { defaults, required } = formStartOf(template)
	const { type, title, description, icon, fields } = template
	return {
		template: { type, title, description, icon, fields },
		defaults,
		required,
		candidates: await candidatesFor(context.services, actor, template, defaults),
		// One id for one filled form: a double click or a repeated POST is the same order.
		commandId: randomUUID(),
	}
}

export async function action({ request, context, params }: ActionFunctionArgs) {
	const actor = await requireActor(request, context)
	const template = await answered((async () => templateOf(params.type ?? ''))())
	const form = await request.formData()
	const name = String(form.get('name') ?? '').trim()
	const draft = draftOfForm(template.fields, form)

	if (form.get('intent') === 'check') {
		const candidates = await candidatesFor(context.services, actor, template, draft)
		return { name, draft, candidates, error: candidates.error ?? undefined }
	}
	const { config, issues: unreadable } = configOf(template.fields, draft)
	const issues = [...missingIssues(template, draft), ...unreadable]
	if (issues.length > 0) {
		const error = { code: 'INVALID_INPUT' as const, message: 'Some fields need another look.', facts: { issues } }
		return data({ name, draft, candidates: null, error }, { status: 400 })
	}
	try {
		const commandId = String(form.get('commandId') ?? randomUUID())
		const { id } = await context.services.workloads.deploy(actor, { name, type: template.type, config, commandId })
		return redirect(`/workloads/${id}`)
	} catch (thrown) {
		const error = refusal(thrown)
		return data({ name, draft, candidates: null, error }, { status: statusOf(error) })
	}
}

export default function DeployFormRoute() {
	const loaded = useLoaderData<typeof loader>()
	const answer = useActionData<typeof action>()
	return <DeployForm key={loaded.template.type} {...loaded} answer={answer} />
}

export function ErrorBoundary() {
	return <ErrorPage />
}
