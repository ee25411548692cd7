import type { Node } from '../../../agent/protocol/index.ts'
import type { NodePage } from '../../services/services.ts'
import { useLive, useLiveNodes } from '../live/live.tsx'
import { useReload } from '../live/use-reload.ts'
import type { NodeQuery } from './node-query.ts'

export interface NodesShown {
	rows: Node[]
	/** all that are known now, shown or not */
	nodes: Node[]
	total: number
	alive: number
}

/**
 * The rows on the page are live. Who comes, and what changes what a search finds, is asked of the console: it alone
 * knows the addresses. Machines report every few seconds; their load is no reason to ask.
 */
export function useNodePage(loaded: NodePage, { search }: NodeQuery): NodesShown {
	const live = useLive().nodes
	const nodes = useLiveNodes(loaded.rows)
	const isWhole = search === '' && loaded.total === loaded.rows.length
	useReload(!isWhole, nodes.map(identityOf).join('\n'))
	const rows = isWhole ? nodes : loaded.rows.map((row) => live.get(row.peerId) ?? row)
	// Before the stream's first word only the loader knows of those on other pages.
	if (live.size === 0) return { rows, nodes, total: loaded.total, alive: loaded.alive }
	return { rows, nodes, total: nodes.length, alive: nodes.filter(({ status }) => status === 'alive').length }
}

function identityOf({ peerId, name, labels }: Node): string {
	return JSON.stringify([peerId, name, labels])
}
