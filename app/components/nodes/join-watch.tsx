import { Form } from '@remix-run/react'
import { useState } from 'react'
import type { Node } from '../../../agent/protocol/index.ts'
import { useLive } from '../live/live.tsx'
import { Button, ButtonLink } from '../ui/button.tsx'
import { useHydrated, useNow } from '../ui/clock.tsx'
import { CopyLine } from '../ui/copy.tsx'
import { formatDuration } from '../ui/format.ts'
import { JoinSteps } from './join-steps.tsx'

interface JoinWatchProps {
	invite: { inviteId: string; command: string; expiresAt: string }
	nodes: Node[]
}

/** Silence that long is no slow machine any more. */
const SILENCE_MS = 60_000

/** The line to paste, and what becomes of it: the box goes on listening until the machine is there. */
export function JoinWatch({ invite, nodes }: JoinWatchProps) {
	const hydrated = useHydrated()
	const now = useNow()
	const [openedAt] = useState(now)
	const join = useLive().joins.get(invite.inviteId) ?? null
	const node = nodes.find(({ peerId }) => peerId === join?.peerId) ?? null
	const left = Date.parse(invite.expiresAt) - now
	return (
		<div className="grid grid-cols-1 gap-4">
			<p>On the other machine, in a checkout of Lattice, run:</p>
			<CopyLine text={invite.command} what="line" />
			<p className="text-sm text-muted">
				{left > 0 ? (
					<>
						For one machine. Expires{' '}
						<time dateTime={invite.expiresAt}>in {formatDuration(Math.floor(left / 1_000) * 1_000)}</time>. Who has this
						line can join, so send it as you would a password.
					</>
				) : (
					'This line has expired and joins nothing any more.'
				)}
			</p>
			{(left > 0 || join !== null) && (
				<div role="status" className="needs-js border-t border-line pt-4">
					<JoinSteps join={join} node={node} />
				</div>
			)}
			{hydrated && join === null && left > 0 && now - openedAt > SILENCE_MS && <LikelyCauses />}
			<div className="flex justify-end gap-2">
				{(left <= 0 || join !== null) && (
					<Form method="post">
						<input type="hidden" name="ttlSeconds" value="3600" />
						<Button>Another line</Button>
					</Form>
				)}
				<ButtonLink to="/nodes" variant="primary">
					Done
				</ButtonLink>
			</div>
		</div>
	)
}

function LikelyCauses() {
	return (
		<div className="text-sm">
			<p className="font-medium">Nothing heard for a minute. The likely causes:</p>
			<ul className="mt-1 list-disc pl-5 text-muted">
				<li>The line was not run yet, or was cut when it was copied: it must be one line.</li>
				<li>
					The other machine cannot reach this one: both on the same network, and no firewall before the mesh port.
				</li>
				<li>Its clock is wrong by more than six minutes.</li>
			</ul>
			<p className="mt-1 text-muted">What it prints there names the one.</p>
		</div>
	)
}
