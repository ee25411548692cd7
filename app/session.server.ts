import { createCookie, redirect } from '@remix-run/node'
import type { Actor, ConsoleContext } from './services/services.ts'
import { answered } from './wire-error.server.ts'

declare module '@remix-run/server-runtime' {
	interface AppLoadContext extends ConsoleContext {
		/** of this response's Content-Security-Policy, when server.ts sets one */
		nonce?: string
	}
}

const MONTH_S = 30 * 86_400

/** Holds the session's id and nothing else: the database knows whether it still counts. */
function sessionCookie(context: ConsoleContext) {
	return createCookie('lattice_session', {
		httpOnly: true,
		sameSite: 'lax',
		secure: context.client.secure,
		path: '/',
		maxAge: MONTH_S,
		secrets: context.cookieSecrets,
	})
}

export async function sessionIdOf(request: Request, context: ConsoleContext): Promise<string | null> {
	const value: unknown = await sessionCookie(context).parse(request.headers.get('Cookie'))
	return typeof value === 'string' && value !== '' ? value : null
}

/** Each loader of a page asks, and each has the same context, which is one request's: the database is asked once. */
const actors = new WeakMap<ConsoleContext, Promise<Actor | null>>()

export function actorOf(request: Request, context: ConsoleContext): Promise<Actor | null> {
	const known = actors.get(context) ?? readActor(request, context)
	actors.set(context, known)
	return known
}

async function readActor(request: Request, context: ConsoleContext): Promise<Actor | null> {
	const sessionId = await sessionIdOf(request, context)
	return sessionId ? answered(context.services.accounts.actorOfSession(sessionId, context.client)) : null
}

/** Who asks, or off to the login page and back here afterwards. */
export async function requireActor(request: Request, context: ConsoleContext): Promise<Actor> {
	const actor = await actorOf(request, context)
	if (actor) return actor
	if (await answered(context.services.accounts.isFresh())) throw redirect('/register')
	const { pathname, search } = new URL(request.url)
	const back = request.method === 'GET' && pathname !== '/' ? `?to=${encodeURIComponent(pathname + search)}` : ''
	throw redirect(`/login${back}`)
}

/** For streams: an EventSource follows a redirect to a page it cannot read, so who is logged out is told in a status. */
export async function requireActorOfStream(request: Request, context: ConsoleContext): Promise<Actor> {
	const actor = await actorOf(request, context)
	if (actor) return actor
	throw new Response('Log in first.\n', { status: 401 })
}

/** The id is new with every login, so one that was planted before it is worth nothing. */
export async function signIn(context: ConsoleContext, sessionId: string, to: string): Promise<Response> {
	return redirect(to, { headers: { 'Set-Cookie': await sessionCookie(context).serialize(sessionId) } })
}

export async function signOut(request: Request, context: ConsoleContext): Promise<Response> {
	const sessionId = await sessionIdOf(request, context)
	if (sessionId) await answered(context.services.accounts.logoutWeb(sessionId))
	return redirect('/login', { headers: { 'Set-Cookie': await sessionCookie(context).serialize('', { maxAge: 0 }) } })
}

/** Only a path of this site: never `//elsewhere` or a scheme. */
export function safeReturn(to: string | null): string {
	return to &&
		/^\/(?![/\\])/.test(to) &&
		URL.canParse(to, 'http://console') &&
		new URL(to, 'http://console').host === 'console'
		? to
		: '/'
}
