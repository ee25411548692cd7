import type { EdgeTunnel, NgrokEdge, SessionEvents } from './edge.ts'

/** ngrok as its SDK shows it: one session a token, URLs that differ each time, refusals in its own words. */
export class FakeEdge implements NgrokEdge {
	/** the token that it takes */
	good = 'good-token'
	/** thrown by the next openings of that protocol */
	readonly refusals = new Map<'http' | 'tcp', string>()
	readonly sessions: { token: string; events: SessionEvents; closed: boolean }[] = []
	/** open ones: url → target */
	readonly targets = new Map<string, string>()
	opened = 0

	async connect(token: string, events: SessionEvents) {
		if (token !== this.good) {
			const said = 'The authtoken you specified is properly formed, but it is invalid.'
			throw new Error(`authentication failed: ${said}\nYour authtoken: ${token}\r\n\r\nERR_NGROK_105\r\n`)
		}
		const session = { token, events, closed: false }
		this.sessions.push(session)
		const open = async ({ protocol, target }: { protocol: 'http' | 'tcp'; target: string }): Promise<EdgeTunnel> => {
			const refusal = this.refusals.get(protocol)
			if (refusal) throw new Error(refusal)
			this.opened += 1
			const url = protocol === 'http' ? `https://t${this.opened}.ngrok.test` : `tcp://tcp.ngrok.test:${this.opened}`
			this.targets.set(url, target)
			const close = async () => void this.targets.delete(url)
			return { url: () => url, close }
		}
		const close = async () => {
			session.closed = true
		}
		return { open, close }
	}
}
