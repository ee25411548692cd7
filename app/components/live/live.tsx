import { createContext, type ReactNode, useContext, useEffect, useState, useSyncExternalStore } from 'react'
import type { Node, Workload } from '../../../agent/protocol/index.ts'
import type { Alert } from '../../services/thresholds.ts'
import { useHydrated, useNow } from '../ui/clock.tsx'
import { shortPeer } from '../ui/format.ts'
import { connectLive } from './connection.ts'
import { type LiveState, LiveStore, mergeNodes, mergeWorkloads, NOTHING_YET } from './live-store.ts'

const StoreContext = createContext<LiveStore | null>(null)
const noSubscription = () => () => undefined

/** The page's one stream. Below it everything shows what the console last said. */
export function Live({ children }: { children: ReactNode }) {
	const [store] = useState(() => new LiveStore())
	useEffect(() => connectLive(store, '/live'), [store])
	return <StoreContext.Provider value={store}>{children}</StoreContext.Provider>
}

export function useLive(): LiveState {
	const store = useContext(StoreContext)
	return useSyncExternalStore(
		store?.subscribe ?? noSubscription,
		store?.getState ?? (() => NOTHING_YET),
		() => NOTHING_YET,
	)
}

/** Longer than a reconnect takes: a blink of the network does not colour the page. */
const STALE_MS = 15_000

export interface Freshness {
	state: 'connecting' | 'live' | 'reconnecting'
	/** true: nothing here is known any more */
	stale: boolean
	/** when the page was last told, by this browser's clock */
	lastAt: number
	console: string | null
}

export function useFreshness(): Freshness {
	const live = useLive()
	const now = useNow()
	const hydrated = useHydrated()
	const [openedAt] = useState(now)
	const lastAt = live.lastAt ?? openedAt
	const stale = hydrated && live.connection !== 'live' && now - lastAt > STALE_MS
	return { state: live.connection, stale, lastAt, console: live.console }
}

/** Workloads as of now; once the page is stale each is `unknown`: yesterday's green is no green. */
export function useLiveWorkloads(loaded: readonly Workload[]): Workload[] {
	const live = useLive()
	const { stale } = useFreshness()
	const workloads = mergeWorkloads(loaded, live)
	return stale ? workloads.map(asUnknown) : workloads
}

/** These rows and no others, as of now: for a list that is one page of many. */
export function useLiveRows(loaded: readonly Workload[]): Workload[] {
	const { workloads, removed } = useLive()
	const { stale } = useFreshness()
	const rows = loaded
		.filter(({ id }) => !removed.has(id))
		.map((row) => {
			const live = workloads.get(row.id)
			return live && live.updatedAt >= row.updatedAt ? live : row
		})
	return stale ? rows.map(asUnknown) : rows
}

export function useLiveNodes(loaded: readonly Node[]): Node[] {
	return mergeNodes(loaded, useLive())
}

/** What of this node or workload is above its threshold. */
export function useAlerts(id: string): readonly Alert[] {
	return useLive().alerts.get(id) ?? []
}

/** What people call the peer of that id: nodes by their name, anything else (a console) by the end of its id. */
export function useNodeName(): (peerId: string) => string {
	const { nodes } = useLive()
	return (peerId) => nodes.get(peerId)?.name ?? shortPeer(peerId)
}

function asUnknown(workload: Workload): Workload {
	return {
		...workload,
		status: 'unknown',
		statusReason: `The console has not answered; last known: ${workload.status}.`,
	}
}
