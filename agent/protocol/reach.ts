import type { Endpoint } from './workload.ts'

/** contract.md's order of `publicUrl`: custom domain, ngrok, gateway name, gateway address, LAN, host; what is known not to answer last. */
function rank(endpoint: Endpoint): number {
	if (endpoint.reachable === false) return 8
	switch (endpoint.kind) {
		case 'gateway':
			// It would go with the agent; the host's port stays.
			if (endpoint.local) return 6
			return endpoint.custom ? 0 : isName(endpoint.url) ? 2 : 3
		case 'ngrok':
			return 1
		case 'lan':
			return 4
		case 'host':
			return 5
		case 'mesh':
			return 7
	}
}

/** What reaches farthest comes first; those of one rank stay in the order of the ports as declared. */
export function bestFirst(endpoints: readonly Endpoint[]): Endpoint[] {
	return [...endpoints].sort((a, b) => rank(a) - rank(b))
}

/** The one URL to give to people; null when there is none that answers. */
export function publicUrlOf(endpoints: readonly Endpoint[]): string | null {
	const [best] = bestFirst(endpoints)
	return best && best.kind !== 'mesh' && best.reachable !== false ? best.url : null
}

function isName(url: string): boolean {
	return !/^(\d+\.){3}\d+$|^\[/.test(new URL(url).hostname)
}
