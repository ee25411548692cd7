import type { CommandFrame } from './commands.ts'
import { LatticeError } from './errors.ts'
import { type NodeUsage, newestSamples, type Sample, USAGE_WINDOW_MS } from './samples.ts'

/** A page that shows all nodes must not wait for the one that hangs. */
const ANSWER_MS = 3_000

/** The command that `usageOf` wants answered. */
export function usageCommand() {
	const since = new Date(Date.now() - USAGE_WINDOW_MS).toISOString()
	return { kind: 'samples', workloadId: null, replicas: true, resolution: 'fine', since, follow: false } as const
}

/** What each of these nodes uses now; one that fails or does not answer in time keeps nobody else from being told of. */
export function usageOf(
	nodes: readonly NodeUsage['node'][],
	ask: (peerId: string, signal: AbortSignal) => AsyncIterable<CommandFrame>,
): Promise<NodeUsage[]> {
	return Promise.all(
		nodes.map(async (node) => {
			const samples: Sample[] = []
			try {
				for await (const frame of ask(node.peerId, AbortSignal.timeout(ANSWER_MS))) {
					if (frame.type === 'error') throw LatticeError.fromWire(frame.error)
					if (frame.type === 'samples') samples.push(...frame.samples)
				}
			} catch (error) {
				return { node, samples: [], error: LatticeError.from(error).toJSON() }
			}
			return { node, samples: newestSamples(samples), error: null }
		}),
	)
}
