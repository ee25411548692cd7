import type { Endpoint } from '../protocol/index.ts'

/** What gateways say that they give to workloads. Each speaks for itself; who of them counts is the reader's judgement. */
export class HeardRoutes {
	/** gateway → workload → what it gives */
	readonly #routes = new Map<string, Map<string, Endpoint[]>>()
	#version = 0

	/** rises with each change */
	get version(): number {
		return this.#version
	}

	/** An empty list takes back what it gave. */
	hear(gateway: string, workloadId: string, endpoints: Endpoint[]): void {
		const own = this.#routes.get(gateway) ?? new Map<string, Endpoint[]>()
		if (endpoints.length > 0) own.set(workloadId, endpoints)
		else own.delete(workloadId)
		this.#routes.set(gateway, own)
		this.#version++
	}

	/** It is gone, or about to say everything anew. */
	forget(gateway: string): void {
		if (this.#routes.delete(gateway)) this.#version++
	}

	of(workloadId: string, counts: (gateway: string) => boolean): Endpoint[] {
		return [...this.#routes].flatMap(([gateway, own]) => (counts(gateway) ? (own.get(workloadId) ?? []) : []))
	}

	/** the workloads to which this gateway gives something */
	by(gateway: string): string[] {
		return [...(this.#routes.get(gateway)?.keys() ?? [])]
	}
}
