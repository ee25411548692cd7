import { setTimeout as delay } from 'node:timers/promises'
import type Dockerode from 'dockerode'
import { LatticeError } from '../protocol/index.ts'
import { containerOptions, RESTART_POLICY } from './container-options.ts'
import type { EngineConnection } from './engine-connection.ts'
import { EngineRefusal, isRefusal, refused } from './engine-errors.ts'
import type { Images } from './images.ts'
import { observedContainer } from './observed-container.ts'
import type { ContainerPlan, ObservedContainer } from './runtime.ts'
import { startFailure } from './start-failure.ts'
import { mismatches } from './verify.ts'

/** A first create copies what the image has at a volume's path: gigabytes on a slow disk. */
const CREATE_MS = 5 * 60_000
const START_MS = 2 * 60_000
/** How long another's create or remove of the same name may take before we say so. */
const SETTLE_MS = 15_000
const SETTLE_STEP_MS = 50
/** Inspections at once: a host has a hundred containers, and the engine takes a lock for each. */
const INSPECT_WIDTH = 8

export class Containers {
	readonly #engine: EngineConnection
	readonly #images: Images

	constructor(engine: EngineConnection, images: Images) {
		this.#engine = engine
		this.#images = images
	}

	/**
	 * The name is the lock: of two creates the engine refuses one, and that one takes over what the other made when it
	 * is the same replica. A repeat after a crash ends in the same container.
	 */
	async create(plan: ContainerPlan): Promise<string> {
		let image = this.#images.recall(plan.image) ?? (await this.#images.find(plan.image))
		const deadline = performance.now() + SETTLE_MS
		for (;;) {
			if (image === null) throw imageMissing(plan.image)
			const body = containerOptions(plan, image, await this.#engine.features())
			try {
				const { Id } = await this.#engine.request<{ Id: string }>({
					method: 'POST',
					path: '/containers/create',
					query: { name: plan.name },
					body,
					timeoutMs: CREATE_MS,
				})
				const made = await this.#verify(plan, Id)
				if (made.Image === image.id) return Id
				// The name means another image by now, whose program may want another init: made again for that one.
				await this.remove(Id)
				image = await this.#images.find(plan.image)
			} catch (error) {
				if (isRefusal(error, 404)) this.#images.forget(plan.image)
				if (!isRefusal(error, 409)) throw createFailure(error, plan)
				const existing = await this.#adopt(plan)
				if (existing !== null) return existing
				// The name is taken and nothing has it: it is being made or removed at this moment.
				if (performance.now() > deadline) throw refused(error, `create the container ${plan.name}`)
				await delay(SETTLE_STEP_MS)
			}
		}
	}

	async start(id: string): Promise<void> {
		try {
			await this.#engine.request({ method: 'POST', path: `/containers/${id}/start`, timeoutMs: START_MS })
		} catch (error) {
			if (isRefusal(error, 304)) return
			throw startFailure(error)
		}
	}

	async keepRunning(id: string): Promise<void> {
		try {
			await this.#engine.request({
				method: 'POST',
				path: `/containers/${id}/update`,
				body: { RestartPolicy: RESTART_POLICY },
				timeoutMs: START_MS,
			})
		} catch (error) {
			if (isRefusal(error, 404)) return
			throw refused(error, `keep the container ${id} running`)
		}
	}

	async stop(id: string, timeoutS: number): Promise<void> {
		try {
			await this.#engine.request({
				method: 'POST',
				path: `/containers/${id}/stop`,
				query: { t: timeoutS },
				timeoutMs: timeoutS * 1000 + 60_000,
			})
		} catch (error) {
			if (isRefusal(error, 304, 404)) return
			throw refused(error, `stop the container ${id}`)
		}
	}

	async remove(id: string): Promise<void> {
		try {
			await this.#engine.request({
				method: 'DELETE',
				path: `/containers/${id}`,
				query: { force: true, v: true },
				timeoutMs: START_MS,
			})
		} catch (error) {
			if (isRefusal(error, 404)) return
			// 409: someone else's removal of it is under way; gone is gone
			if (isRefusal(error, 409) && (await this.#vanishes(id))) return
			throw refused(error, `remove the container ${id}`)
		}
	}

	async inspect(id: string): Promise<ObservedContainer | null> {
		const inspected = await this.#inspect(id)
		return inspected === null ? null : observedContainer(inspected)
	}

	async list(labels: Record<string, string>): Promise<ObservedContainer[]> {
		const found = await this.#engine.request<{ Id: string }[]>({
			path: '/containers/json',
			query: { all: true, filters: { label: labelFilter(labels) } },
		})
		const observed: (ObservedContainer | null)[] = []
		for (let at = 0; at < found.length; at += INSPECT_WIDTH) {
			observed.push(...(await Promise.all(found.slice(at, at + INSPECT_WIDTH).map(({ Id }) => this.inspect(Id)))))
		}
		return observed.filter((container) => container !== null)
	}

	async #inspect(idOrName: string): Promise<Dockerode.ContainerInspectInfo | null> {
		try {
			return await this.#engine.request({ path: `/containers/${idOrName}/json` })
		} catch (error) {
			if (isRefusal(error, 404)) return null
			throw refused(error, `inspect the container ${idOrName}`)
		}
	}

	/** The id when the container that has the name is this replica; null when none has it (any more). */
	async #adopt(plan: ContainerPlan): Promise<string | null> {
		const existing = await this.#inspect(plan.name)
		if (existing === null) return null
		const same = Object.entries(plan.labels).every(([key, value]) => existing.Config.Labels?.[key] === value)
		if (!same) {
			throw new LatticeError(
				'WRONG_STATE',
				`Another container has the name ${plan.name} on this node; remove it (docker rm -f ${plan.name}) and deploy again.`,
				{ name: plan.name, containerId: existing.Id },
			)
		}
		await this.#verify(plan, existing.Id)
		return existing.Id
	}

	async #verify(plan: ContainerPlan, id: string): Promise<Dockerode.ContainerInspectInfo> {
		const inspected = await this.#inspect(id)
		if (inspected === null) {
			throw new LatticeError(
				'INTERRUPTED',
				`The container ${plan.name} was removed while it was being created; deploy again.`,
				{
					name: plan.name,
				},
			)
		}
		const found = mismatches(plan, inspected, await this.#engine.features())
		if (found.length === 0) return inspected
		// One that runs was adopted and has users; it is reported, and its owner decides.
		if (!inspected.State.Running) await this.remove(id)
		throw new LatticeError(
			'HARDENING_MISMATCH',
			`The engine did not make ${plan.name} as ordered (${found.map(({ field }) => field).join(', ')}), so it is not started; look for plugins and settings of the engine that change containers.`,
			{ name: plan.name, mismatches: found },
		)
	}

	async #vanishes(id: string): Promise<boolean> {
		const deadline = performance.now() + SETTLE_MS
		while ((await this.#inspect(id)) !== null) {
			if (performance.now() > deadline) return false
			await delay(SETTLE_STEP_MS)
		}
		return true
	}
}

export function labelFilter(labels: Record<string, string>): string[] {
	return Object.entries(labels).map(([key, value]) => `${key}=${value}`)
}

function imageMissing(image: string, cause?: unknown): LatticeError {
	return new LatticeError(
		'IMAGE_NOT_FOUND',
		`The image ${image} is not on this node; pull it first.`,
		{ image },
		{ cause },
	)
}

function createFailure(error: unknown, plan: ContainerPlan): unknown {
	if (!(error instanceof EngineRefusal)) return error
	const { reason } = error
	const facts = { image: plan.image, reason }
	if (/no such image/i.test(reason)) return imageMissing(plan.image, error)
	if (/no command specified/i.test(reason)) {
		return new LatticeError(
			'IMAGE_UNSUITABLE',
			`The image ${plan.image} starts nothing by itself; give a command.`,
			facts,
			{ cause: error },
		)
	}
	if (/range of cpus|minimum memory limit/i.test(reason)) {
		return new LatticeError('NODE_REFUSED', `The engine of this node refuses these limits: ${reason}.`, facts, {
			cause: error,
		})
	}
	return refused(error, `create the container ${plan.name}`)
}
