import { type ActionFunctionArgs, redirect } from '@remix-run/node'
import { safeReturn } from '../session.server.ts'
import { serializeTheme, themeFrom } from '../session-theme.server.ts'

export function loader() {
	return redirect('/')
}

export async function action({ request, context }: ActionFunctionArgs) {
	const form = await request.formData()
	const back = form.get('to')
	return redirect(safeReturn(typeof back === 'string' ? back : null), {
		headers: { 'Set-Cookie': await serializeTheme(themeFrom(form.get('theme')), context.client.secure) },
	})
}
