import type { Sample } from '../../agent/protocol/index.ts'
import type { Database } from '../models/database.server.ts'
import { findWorkload } from '../models/workload.server.ts'
import type { LiveBus } from './live.server.ts'
import { type Alert, alertsOf, type Thresholds } from './thresholds.ts'

/** As many minutes as a threshold may want. */
const MINUTES_KEPT = 60

interface Raised {
	alert: Alert
	/** null: of a node, which everybody sees */
	ownerId: string | null
}

export interface AlertsModules {
	database: Database
	live: LiveBus
}

/** The last hour of every subject, and which of them are above a threshold. Changes are told to open pages. */
export class Alerts {
	readonly #modules: AlertsModules
	readonly #minutes = new Map<string, Map<string, Sample[]>>()
	#raised = new Map<string, Raised[]>()

	constructor(modules: AlertsModules) {
		this.#modules = modules
	}

	async learn(node: string, samples: readonly Sample[], thresholds: Thresholds): Promise<void> {
		const subjects = this.#minutes.get(node) ?? new Map<string, Sample[]>()
		this.#minutes.set(node, subjects)
		for (const sample of samples) {
			const key = `${sample.workloadId ?? ''}/${sample.replica ?? ''}`
			subjects.set(key, [...(subjects.get(key) ?? []), sample].slice(-MINUTES_KEPT))
		}
		this.#forgetEnded(subjects)
		await this.#judge(node, thresholds)
	}

	/** Of a node that is not there nothing is known, so nothing is said. */
	async keepOnly(nodes: ReadonlySet<string>): Promise<void> {
		for (const node of this.#minutes.keys()) if (!nodes.has(node)) this.#minutes.delete(node)
		for (const node of [...this.#raised.keys()]) if (!nodes.has(node)) await this.#replace(node, [])
	}

	async reconsider(thresholds: Thresholds): Promise<void> {
		for (const node of this.#minutes.keys()) await this.#judge(node, thresholds)
	}

	visible(sees: (ownerId: string | null) => boolean): Alert[] {
		return [...this.#raised.values()].flat().flatMap(({ alert, ownerId }) => (sees(ownerId) ? [alert] : []))
	}

	latest(): { node: string; sample: Sample }[] {
		return [...this.#minutes].flatMap(([node, subjects]) => {
			const sample = subjects.get('/')?.at(-1)
			return sample ? [{ node, sample }] : []
		})
	}

	/** A replica that the machine's newest minutes do not name runs there no more. */
	#forgetEnded(subjects: Map<string, Sample[]>): void {
		const newest = Date.parse(subjects.get('/')?.at(-1)?.at ?? '')
		for (const [key, samples] of subjects) {
			if (newest - Date.parse(samples.at(-1)?.at ?? '') > 2 * 60_000) subjects.delete(key)
		}
	}

	async #judge(node: string, thresholds: Thresholds): Promise<void> {
		const alerts = [...(this.#minutes.get(node)?.values() ?? [])].flatMap((samples) =>
			alertsOf(samples, node, thresholds),
		)
		await this.#replace(node, alerts)
	}

	async #replace(node: string, alerts: readonly Alert[]): Promise<void> {
		const before = this.#raised.get(node) ?? []
		const after = await Promise.all(alerts.map(async (alert) => ({ alert, ownerId: await this.#ownerOf(alert) })))
		if (JSON.stringify(before) === JSON.stringify(after)) return
		if (after.length > 0) this.#raised.set(node, after)
		else this.#raised.delete(node)
		const owners = new Map([...before, ...after].map(({ alert, ownerId }) => [alert.id, ownerId]))
		for (const [id, ownerId] of owners) {
			const now = [...this.#raised.values()].flat().flatMap(({ alert }) => (alert.id === id ? [alert] : []))
			this.#modules.live.publish({ type: 'alerts', id, alerts: now }, ownerId)
		}
	}

	async #ownerOf({ kind, id }: Alert): Promise<string | null> {
		if (kind === 'node') return null
		// A workload that is deleted meanwhile belongs to nobody who could be told.
		return (await findWorkload(this.#modules.database, id))?.ownerId ?? ''
	}
}
