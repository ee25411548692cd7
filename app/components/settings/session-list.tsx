import { Form } from '@remix-run/react'
import { Laptop, Monitor, Plug } from 'lucide-react'
import type { SessionView } from '../../services/services.ts'
import { Age } from '../ui/age.tsx'
import { Button } from '../ui/button.tsx'
import { Answer, type SettingsAnswer } from './answer.tsx'

const KIND = {
	web: { Icon: Monitor, title: 'Browser' },
	api: { Icon: Plug, title: 'API client or CLI' },
	device: { Icon: Laptop, title: 'Device of the CLI' },
} as const

export function SessionList({ sessions, answer }: { sessions: SessionView[]; answer: SettingsAnswer | undefined }) {
	return (
		<section aria-labelledby="sessions" className="mt-6">
			<h2 id="sessions" className="text-lg font-semibold">
				Sessions and devices
			</h2>
			<p className="mt-1 mb-3 max-w-[70ch] text-muted">
				Where you are logged in. A browser or client that is ended is out at its next request (an access token it holds
				lives 15 minutes at most); a device is refused by every node that has heard of it.
			</p>
			<Answer answer={answer} />
			<ul className="card mt-3">
				{sessions.map((session) => (
					<SessionRow key={`${session.kind}/${session.id}`} session={session} />
				))}
			</ul>
		</section>
	)
}

function SessionRow({ session }: { session: SessionView }) {
	const { kind, id, address, createdAt, lastSeenAt, current } = session
	const { Icon, title } = KIND[kind]
	return (
		<li className="flex flex-wrap items-center gap-x-4 gap-y-1 border-t border-line px-4 py-2 first:border-t-0">
			<Icon size={16} aria-hidden className="shrink-0 text-muted" />
			<span className="min-w-0 flex-1">
				<span className="font-medium">{title}</span>
				{current && <span className="text-muted"> · this one</span>}
				<span className="block text-sm text-muted">
					{address && <>from {address}, </>}
					since <Age at={createdAt} />
					{lastSeenAt && (
						<>
							, last seen <Age at={lastSeenAt} />
						</>
					)}
				</span>
			</span>
			<Form method="post" preventScrollReset>
				<input type="hidden" name="kind" value={kind} />
				<input type="hidden" name="id" value={id} />
				<Button
					name="intent"
					value="revoke"
					aria-label={`${current ? 'Log out' : 'End'}: ${title}${address ? ` from ${address}` : ''}`}
				>
					{current ? 'Log out' : 'End'}
				</Button>
			</Form>
		</li>
	)
}
