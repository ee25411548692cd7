import { type ActionFunctionArgs, redirect } from '@remix-run/node'
import { requireSameOrigin, signOut } from '../session.server.ts'

/** A link must not log anyone out: only the form does. */
export function loader() {
	return redirect('/')
}

export function action({ request, context }: ActionFunctionArgs) {
	requireSameOrigin(request)
	return signOut(request, context)
}
