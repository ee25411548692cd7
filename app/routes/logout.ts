import { type ActionFunctionArgs, redirect } from '@remix-run/node'
import { signOut } from '../session.server.ts'

/** A link must not log anyone out: only the form does. */
export function loader() {
	return redirect('/')
}

export function action({ request, context }: ActionFunctionArgs) {
	return signOut(request, context)
}
