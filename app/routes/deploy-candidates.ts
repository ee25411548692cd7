import { type ActionFunctionArgs, redirect } from '@remix-run/node'
import { templateOf } from '../../agent/templates/catalogue.ts'
import { draftOfForm } from '../components/deploy/draft.ts'
import { requireActor } from '../session.server.ts'
import { answered } from '../wire-error.server.ts'
import { candidatesFor } from './deploy-form.server.ts'

export function loader() {
	return redirect('/deploy')
}

/** Asked while someone types. POST, since a draft may hold secrets, and addresses are logged. */
export async function action({ request, context, params }: ActionFunctionArgs) {
	const actor = await requireActor(request, context)
	const template = await answered((async () => templateOf(params.type ?? ''))())
	return candidatesFor(context.services, actor, template, draftOfForm(template.fields, await request.formData()))
}
