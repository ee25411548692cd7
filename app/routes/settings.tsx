import { type ActionFunctionArgs, data, type LoaderFunctionArgs, type MetaFunction } from '@remix-run/node'
import { useActionData, useLoaderData } from '@remix-run/react'
import { NgrokToken } from '../components/settings/ngrok-token.tsx'
import { RotateSecrets } from '../components/settings/rotate-secrets.tsx'
import { SessionList } from '../components/settings/session-list.tsx'
import { ThresholdForm } from '../components/settings/threshold-form.tsx'
import { ZoneForm } from '../components/settings/zone-form.tsx'
import { ErrorPage } from '../components/shell/error-page.tsx'
import { requireActor, sessionIdOf } from '../session.server.ts'
import { serializeZone, zoneFrom } from '../session-zone.server.ts'
import { answered, refusal, statusOf } from '../wire-error.server.ts'

export const meta: MetaFunction = () => [{ title: 'Settings · Lattice' }]

export async function loader({ request, context }: LoaderFunctionArgs) {
	const actor = await requireActor(request, context)
	const { sessions, monitoring, settings } = context.services
	const [list, thresholds, ngrok] = await answered(
		Promise.all([
			sessions.list(actor, await sessionIdOf(request, context)),
			monitoring.thresholds(actor),
			actor.role === 'member' ? null : settings.ngrok(actor),
		]),
	)
	return { sessions: list, thresholds, ngrok, role: actor.role }
}

const SHARES = ['cpu', 'memory', 'disk'] as const

export async function action({ request, context }: ActionFunctionArgs) {
	const actor = await requireActor(request, context)
	const form = await request.formData()
	const intent = String(form.get('intent'))
	const { sessions, monitoring, rotation, settings } = context.services
	try {
		if (intent === 'revoke') {
			await sessions.revoke(actor, { kind: form.get('kind'), id: form.get('id') })
			return { intent, said: 'That login has ended.', error: undefined }
		}
		if (intent === 'rotate') {
			const { issuer, signsFrom } = await rotation.rotate(actor)
			const said = `A new key (${issuer.slice(0, 8)}…) and cookie secret are made; they sign from ${signsFrom.slice(11, 19)} UTC. Nobody is logged out.`
			return { intent, said, error: undefined }
		}
		if (intent === 'ngrok' || intent === 'ngrok-clear') {
			const { configured } = await settings.setNgrok(actor, { token: intent === 'ngrok' ? form.get('token') : null })
			const said = configured ? 'Saved, sealed. Hosts that expose by ngrok get it.' : 'Taken away: tunnels are closed.'
			return { intent: 'ngrok', said, error: undefined }
		}
		if (intent === 'zone') {
			const zone = zoneFrom(form.get('zone'))
			const said = zone === '' ? 'Times follow this browser.' : `Times are written in ${zone}.`
			const headers = { 'Set-Cookie': await serializeZone(zone, context.client.secure) }
			return data({ intent, said, error: undefined }, { headers })
		}
		if (intent !== 'thresholds') throw data(null, { status: 400 })
		const shares = SHARES.map((name) => [name, Number(form.get(name)) / 100])
		await monitoring.setThresholds(actor, { ...Object.fromEntries(shares), minutes: Number(form.get('minutes')) })
		return { intent, said: 'Saved. They hold from now on.', error: undefined }
	} catch (thrown) {
		const error = refusal(thrown)
		return data({ intent: intent.replace(/-clear$/, ''), said: null, error }, { status: statusOf(error) })
	}
}

export default function Settings() {
	const { sessions, thresholds, ngrok, role } = useLoaderData<typeof loader>()
	const answer = useActionData<typeof action>()
	const of = (intent: string) => (answer?.intent === intent ? answer : undefined)
	return (
		<>
			<h1 className="text-2xl font-semibold tracking-tight max-md:text-xl">Settings</h1>
			<SessionList sessions={sessions} answer={of('revoke')} />
			<ZoneForm answer={of('zone')} />
			<ThresholdForm thresholds={thresholds} mayChange={role !== 'member'} answer={of('thresholds')} />
			{ngrok && <NgrokToken status={ngrok} answer={of('ngrok')} />}
			<RotateSecrets mayRotate={role === 'owner'} answer={of('rotate')} />
		</>
	)
}

export function ErrorBoundary() {
	return <ErrorPage />
}
