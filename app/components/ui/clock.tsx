import { createContext, type ReactNode, useContext, useSyncExternalStore } from 'react'

/**
 * One second hand for the whole page. While hydrating it shows the server's instant, so that ages in the HTML and in
 * the first client render are the same text.
 */
const RenderedAt = createContext(0)

const listeners = new Set<() => void>()
let now = Date.now()
let timer: ReturnType<typeof setInterval> | undefined

function tick() {
	now = Date.now()
	for (const listener of listeners) listener()
}

function subscribe(listener: () => void): () => void {
	listeners.add(listener)
	if (timer === undefined) {
		now = Date.now()
		timer = setInterval(tick, 1_000)
	}
	return () => {
		listeners.delete(listener)
		if (listeners.size > 0) return
		clearInterval(timer)
		timer = undefined
	}
}

export function Clock({ renderedAt, children }: { renderedAt: number; children: ReactNode }) {
	return <RenderedAt.Provider value={renderedAt}>{children}</RenderedAt.Provider>
}

/** Milliseconds since the epoch, moving once a second. */
export function useNow(): number {
	const renderedAt = useContext(RenderedAt)
	return useSyncExternalStore(
		subscribe,
		() => now,
		() => renderedAt,
	)
}

const never = () => () => undefined

/** False on the server and in the first client render. */
export function useHydrated(): boolean {
	return useSyncExternalStore(
		never,
		() => true,
		() => false,
	)
}
