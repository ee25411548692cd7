import { type NodeView, nodesOf } from '../../agent/protocol/index.ts'
import type { NodePage, NodePageQuery } from './services.ts'
import { PAGE_SIZE } from './workload-page.ts'

/** One page of the machines that the search finds. */
export function pageOfNodes(views: readonly NodeView[], { search, page }: NodePageQuery): NodePage {
	const words = search.toLowerCase().split(/\s+/).filter(Boolean)
	const found = words.length === 0 ? views : views.filter((view) => words.every((word) => holds(view, word)))
	const pages = Math.max(1, Math.ceil(found.length / PAGE_SIZE))
	const shown = Math.min(Math.max(1, page), pages)
	const rows = nodesOf(found).slice((shown - 1) * PAGE_SIZE, shown * PAGE_SIZE)
	const addresses = new Map(views.map(({ status }) => [status.peerId, status.addresses]))
	const foundAt = rows.flatMap(({ peerId }) => {
		const address = (addresses.get(peerId) ?? []).find((one) => words.some((word) => isIn(one, word)))
		return address === undefined ? [] : [[peerId, socketOf(address) ?? address] as const]
	})
	const alive = views.filter(({ liveness }) => liveness === 'alive').length
	return {
		...{ rows, page: shown, pages, found: found.length },
		...{ total: views.length, alive, foundAt: Object.fromEntries(foundAt) },
	}
}

function holds({ status: { name, peerId, labels, addresses } }: NodeView, word: string): boolean {
	const texts = [name, peerId, ...Object.entries(labels).map(([key, value]) => `${key}=${value}`)]
	return texts.some((text) => text.toLowerCase().includes(word)) || addresses.some((address) => isIn(address, word))
}

/** As people write it, `host:port`: else `tcp` would find every machine. Who pastes a multiaddr begins with its slash. */
function isIn(address: string, word: string): boolean {
	// By way of another machine: the host in it is that one's.
	if (address.includes('/p2p-circuit')) return false
	if (word.startsWith('/')) return address.toLowerCase().includes(word)
	return socketOf(address)?.toLowerCase().includes(word) ?? false
}

function socketOf(address: string): string | null {
	const [, kind, host, port] = /^\/(ip4|ip6|dns[46]?)\/([^/]+)\/tcp\/(\d+)/.exec(address) ?? []
	if (host === undefined) return null
	return kind === 'ip6' ? `[${host}]:${port}` : `${host}:${port}`
}
