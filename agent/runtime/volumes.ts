import { setTimeout as delay } from 'node:timers/promises'
import { LatticeError } from '../protocol/index.ts'
import { labelFilter } from './containers.ts'
import type { EngineConnection } from './engine-connection.ts'
import { isRefusal, refused } from './engine-errors.ts'

interface EngineVolume {
	Name: string
	Driver: string
	Labels: Record<string, string> | null
	Options: Record<string, string> | null
}

/** A container's removal lets go of its volumes a moment after it answered. */
const RELEASE_MS = 5_000

/** Whose data it is; other labels (generation, command) change over a workload's life. */
const OWNERSHIP = ['lattice.id', 'lattice.owner', 'lattice.workload'] as const

export class Volumes {
	readonly #engine: EngineConnection

	constructor(engine: EngineConnection) {
		this.#engine = engine
	}

	/** The engine returns an existing volume of the name whatever it is, so what came back is looked at. */
	async ensure(name: string, labels: Record<string, string>): Promise<void> {
		let volume: EngineVolume
		try {
			volume = await this.#engine.request({
				method: 'POST',
				path: '/volumes/create',
				body: { Name: name, Driver: 'local', Labels: labels },
			})
		} catch (error) {
			throw refused(error, `create the volume ${name}`)
		}
		const foreign = OWNERSHIP.some((key) => labels[key] !== undefined && volume.Labels?.[key] !== labels[key])
		// options of the local driver can make a volume a bind of any folder of the host
		const bound = Object.keys(volume.Options ?? {}).length > 0
		if (foreign || bound || volume.Driver !== 'local') {
			throw new LatticeError(
				'WRONG_STATE',
				`Another volume has the name ${name} on this node; remove it (docker volume rm ${name}) if its data is not wanted.`,
				{ volume: name },
			)
		}
	}

	async remove(name: string): Promise<void> {
		const deadline = performance.now() + RELEASE_MS
		for (;;) {
			try {
				await this.#engine.request({ method: 'DELETE', path: `/volumes/${name}` })
				return
			} catch (error) {
				if (isRefusal(error, 404)) return
				if (!isRefusal(error, 409)) throw refused(error, `remove the volume ${name}`)
				if (performance.now() > deadline) {
					throw new LatticeError('WRONG_STATE', `The volume ${name} is in use by a container; remove that first.`, {
						volume: name,
						reason: error.reason,
					})
				}
				await delay(100)
			}
		}
	}

	async list(labels: Record<string, string>): Promise<{ name: string; labels: Record<string, string> }[]> {
		const { Volumes } = await this.#engine.request<{ Volumes: EngineVolume[] | null }>({
			path: '/volumes',
			query: { filters: { label: labelFilter(labels) } },
		})
		return (Volumes ?? []).map((volume) => ({ name: volume.Name, labels: volume.Labels ?? {} }))
	}
}
