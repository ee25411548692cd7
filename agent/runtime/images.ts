import { statfs } from 'node:fs/promises'
import { LatticeError, type PullProgress } from '../protocol/index.ts'
import { familiarImage, parseImageReference } from '../templates/image-reference.ts'
import type { EngineConnection } from './engine-connection.ts'
import { diskFull, EngineRefusal, isRefusal, refused, withoutQueries } from './engine-errors.ts'
import { jsonLines } from './json-lines.ts'
import { PullCounter, type PullMessage } from './pull-progress.ts'

/** At most ten reports a second: a fast pull writes hundreds of lines, and each travels to every watcher. */
const REPORT_EVERY_MS = 100
/** A pull that says nothing for so long is stuck; extraction of a large layer reports all the time. */
const SILENCE_MS = 5 * 60_000

export interface ImageFacts {
	id: string
	/** argv that starts the image, before the command of the plan */
	entrypoint: string[]
	command: string[]
}

export class Images {
	readonly #engine: EngineConnection
	/** as last seen; the engine's own word is in the container that it makes (`Containers.create`) */
	readonly #seen = new Map<string, ImageFacts>()

	constructor(engine: EngineConnection) {
		this.#engine = engine
	}

	/** What is remembered of it, without asking; null when it was never seen. May be out of date. */
	recall(image: string): ImageFacts | null {
		return this.#seen.get(familiarImage(image)) ?? null
	}

	forget(image: string): void {
		this.#seen.delete(familiarImage(image))
	}

	async tags(): Promise<string[]> {
		const images = await this.#engine.request<{ RepoTags: string[] | null }[]>({ path: '/images/json' })
		return [...new Set(images.flatMap((image) => image.RepoTags ?? []))].filter((tag) => !tag.includes('<none>')).sort()
	}

	/** null when the engine does not have it */
	async find(image: string): Promise<ImageFacts | null> {
		const name = familiarImage(image)
		this.#seen.delete(name)
		try {
			const { Id, Config } = await this.#engine.request<{
				Id: string
				Config: { Entrypoint?: string[] | null; Cmd?: string[] | null } | null
			}>({ path: `/images/${name}/json` })
			const facts = { id: Id, entrypoint: Config?.Entrypoint ?? [], command: Config?.Cmd ?? [] }
			this.#seen.set(name, facts)
			return facts
		} catch (error) {
			if (isRefusal(error, 404)) return null
			throw refused(error, `look for the image ${image}`)
		}
	}

	async pull(image: string, onProgress: (progress: PullProgress) => void, signal?: AbortSignal): Promise<void> {
		const name = familiarImage(image)
		this.#seen.delete(name)
		const counter = new PullCounter(name)
		const silence = new AbortController()
		const timer = setTimeout(() => silence.abort(), SILENCE_MS)
		const either = signal === undefined ? silence.signal : AbortSignal.any([signal, silence.signal])
		try {
			const body = await this.#engine.stream({
				method: 'POST',
				path: '/images/create',
				query: pullQuery(name),
				// never first: silence is the registry's fault, the deadline would blame the engine
				timeoutMs: 2 * SILENCE_MS,
				signal: either,
			})
			let reported = 0
			for await (const message of jsonLines<PullMessage>(body)) {
				timer.refresh()
				const failure = message.errorDetail?.message ?? message.error
				if (failure !== undefined) throw new EngineRefusal(message.errorDetail?.code ?? 500, failure)
				counter.add(message)
				const now = performance.now()
				if (now - reported < REPORT_EVERY_MS) continue
				reported = now
				onProgress(counter.snapshot())
			}
		} catch (error) {
			if (error instanceof EngineRefusal) throw pullFailure(name, error)
			if (silence.signal.aborted && !signal?.aborted)
				throw pullFailure(name, new EngineRefusal(504, 'timeout: no progress'))
			throw this.#engine.broken(error, signal)
		} finally {
			clearTimeout(timer)
		}
		onProgress(counter.snapshot(true))
	}

	/** Where images live, or, when that folder is not visible here (Docker Desktop, agent in a container), the root. */
	async disk(root: string): Promise<{ total: number; free: number }> {
		const stats = await statfs(root).catch(() => statfs('/'))
		return { total: stats.blocks * stats.bsize, free: stats.bavail * stats.bsize }
	}
}

/** Name and tag apart: without a tag the engine would pull every tag of the repository. */
function pullQuery(name: string): { fromImage: string; tag: string } {
	const reference = parseImageReference(name)
	if (reference === null) {
		const message = 'is not an image reference'
		throw new LatticeError('INVALID_INPUT', `image: ${message}`, { issues: [{ path: 'image', message }] })
	}
	const { tag, digest } = reference
	const untagged = (text: string) => text.replace(/:[^:/]*$/, '')
	// name:tag@digest names one image twice; the digest decides, as for `docker pull`
	if (digest !== null) return { fromImage: untagged(name.slice(0, name.indexOf('@'))), tag: digest }
	return { fromImage: untagged(name), tag: tag ?? 'latest' }
}

const NO_PLATFORM = /no matching manifest for|does not match the specified platform|image operating system/i
const RATE_LIMIT = /toomanyrequests|too many requests|rate limit/i
const NOT_FOUND =
	/manifest( for .*)? (unknown|not found)|manifest unknown|not found: manifest|repository .*(does not exist|not found)|pull access denied|name unknown|name invalid|unauthorized|authentication required|denied: |: not found$/i
const MALFORMED = /invalid reference format|invalid tag format/i

/** What a failed pull means. The engine tells kinds apart by words only. */
export function pullFailure(image: string, refusal: EngineRefusal): LatticeError {
	const reason = withoutQueries(refusal.reason)
	const facts = { image, reason }
	const options = { cause: refusal }
	const full = diskFull(reason, refusal)
	if (full !== null) return full
	if (NO_PLATFORM.test(reason)) {
		return new LatticeError(
			'IMAGE_UNSUITABLE',
			`The image ${image} has no build for this node's architecture; choose another image, or a node that fits with a constraint such as arch=amd64.`,
			facts,
			options,
		)
	}
	if (MALFORMED.test(reason)) {
		return new LatticeError('INVALID_INPUT', `image: ${image} is not an image reference.`, facts, options)
	}
	if (RATE_LIMIT.test(reason)) {
		return new LatticeError(
			'REGISTRY_UNREACHABLE',
			`The registry of ${image} limits how often this node may pull; try again later, or use a mirror (registry-mirrors in the engine's daemon.json).`,
			facts,
			options,
		)
	}
	if (NOT_FOUND.test(reason) || refusal.status === 404) {
		return new LatticeError(
			'IMAGE_NOT_FOUND',
			`The image ${image} does not exist, or its registry wants a login; check name and tag.`,
			facts,
			options,
		)
	}
	return new LatticeError(
		'REGISTRY_UNREACHABLE',
		`The registry of ${image} could not be reached from the node; check its network, DNS and proxy, then deploy again. The engine says: ${reason}.`,
		facts,
		options,
	)
}
