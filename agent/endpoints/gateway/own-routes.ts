import type { Directory } from '../../commands/directory.ts'
import type { Endpoint, GatewayRoutes } from '../../protocol/index.ts'
import type { Changes } from '../../store/changes.ts'

/** What this node as a gateway gives to which workload. Soft state: made again from the table at each start. */
export class OwnRoutes {
	readonly #changes: Pick<Changes, 'emit'>
	readonly #routes = new Map<string, Endpoint[]>()

	constructor(changes: Pick<Changes, 'emit'>) {
		this.#changes = changes
	}

	of(workloadId: string): Endpoint[] {
		return this.#routes.get(workloadId) ?? []
	}

	all(): GatewayRoutes[] {
		return [...this.#routes].map(([workloadId, endpoints]) => ({ workloadId, endpoints }))
	}

	/** With whose workload each is for. */
	owned(directory: Pick<Directory, 'of'>): (GatewayRoutes & { owner: string })[] {
		return this.all().flatMap((each) => {
			const owner = directory.of(each.workloadId)[0]?.owner
			return owner === undefined ? [] : [{ ...each, owner }]
		})
	}

	/** The whole of it anew: those who follow hear of each workload for which it differs. */
	replace(routes: ReadonlyMap<string, Endpoint[]>): void {
		for (const workloadId of new Set([...this.#routes.keys(), ...routes.keys()])) {
			const endpoints = routes.get(workloadId) ?? []
			if (JSON.stringify(endpoints) === JSON.stringify(this.of(workloadId))) continue
			if (endpoints.length > 0) this.#routes.set(workloadId, endpoints)
			else this.#routes.delete(workloadId)
			this.#changes.emit({ kind: 'routes', workloadId })
		}
	}
}
