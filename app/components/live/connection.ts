import type { LiveStore } from './live-store.ts'
import type { LiveMessage } from './wire.ts'

/** Two beats of the server and a little: after this a connection that claims to be open is not. */
const SILENCE_MS = 12_000
/** A hidden tab lets go: browsers allow six connections to a host, and the seventh tab would hang. */
const HIDDEN_MS = 10_000
const WATCH_MS = 3_000

/** Keeps one EventSource open while the page is seen, and the store told. Returns how to end it. */
export function connectLive(store: LiveStore, url: string): () => void {
	let source: EventSource | null = null
	let hiddenTimer: ReturnType<typeof setTimeout> | undefined

	function open() {
		if (source && source.readyState !== EventSource.CLOSED) return
		source = new EventSource(url)
		source.onmessage = (message) => store.receive(JSON.parse(message.data) as LiveMessage, Date.now())
		source.addEventListener('beat', () => store.beat(Date.now()))
		source.onerror = () => store.lost()
	}
	function close() {
		source?.close()
		source = null
		store.lost()
	}
	function onVisibility() {
		clearTimeout(hiddenTimer)
		if (document.visibilityState === 'hidden') hiddenTimer = setTimeout(close, HIDDEN_MS)
		else open()
	}

	const watchdog = setInterval(() => {
		if (document.visibilityState === 'hidden') return
		const { lastAt } = store.getState()
		const silent = lastAt !== null && Date.now() - lastAt > SILENCE_MS
		// CLOSED: the answer was no event stream, and the browser does not retry that.
		const refused = source?.readyState === EventSource.CLOSED
		if (refused) void leaveIfLoggedOut(url)
		if (!silent && !refused) return
		close()
		open()
	}, WATCH_MS)

	document.addEventListener('visibilitychange', onVisibility)
	open()
	return () => {
		clearInterval(watchdog)
		clearTimeout(hiddenTimer)
		document.removeEventListener('visibilitychange', onVisibility)
		close()
	}
}

/** An EventSource does not say why it was refused. 401: the session has ended, and the page leads to the login. */
async function leaveIfLoggedOut(url: string): Promise<void> {
	const looked = new AbortController()
	try {
		const answer = await fetch(url, { signal: looked.signal })
		if (answer.status === 401) location.reload()
	} catch {
		// No answer at all: the next look is in WATCH_MS, and the page already says that it hears nothing.
	} finally {
		looked.abort()
	}
}
