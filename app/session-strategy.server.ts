import { Authenticator } from 'remix-auth'
import { FormStrategy } from 'remix-auth-form'
import type { ConsoleContext, UserView } from './services/services.ts'

interface WebSession {
	sessionId: string
	user: UserView
}

/** The form strategies of the two account pages; the services check, limit and hash. */
export function authenticatorFor({ services, client }: ConsoleContext): Authenticator<WebSession> {
	const fields = (form: FormData) => ({ email: form.get('email'), password: form.get('password') })
	return new Authenticator<WebSession>()
		.use(new FormStrategy(({ form }) => services.accounts.loginForWeb(fields(form), client)), 'login')
		.use(new FormStrategy(({ form }) => services.accounts.registerForWeb(fields(form), client)), 'register')
}
