import { Agent as HttpAgent, type IncomingMessage } from 'node:http'
import { Agent as HttpsAgent } from 'node:https'
import type { Socket } from 'node:net'
import { inspect } from 'node:util'
import Dockerode from 'dockerode'
import { LatticeError } from '../protocol/index.ts'
import { type DockerHost, parseDockerHost } from './docker-host.ts'
import { EngineRefusal, engineUnavailable } from './engine-errors.ts'
import { openFiles } from './open-files.ts'

export interface EngineRequest {
	method?: 'GET' | 'POST' | 'DELETE'
	path: string
	query?: Record<string, string | number | boolean | object>
	body?: object
	/** default 30 s: an engine that hangs must not hang the reconciler */
	timeoutMs?: number
	signal?: AbortSignal
}

export interface EngineVersion {
	Version: string
	ApiVersion: string
	MinAPIVersion?: string
	Arch: string
	Os: string
}

export interface EngineSystem {
	NCPU: number
	MemTotal: number
	DockerRootDir: string
	SwapLimit: boolean
	DefaultRuntime: string
}

export interface EngineFeatures {
	/** the one spoken with this engine, as [major, minor] numbers */
	api: [number, number]
	/** false: the kernel cannot limit swap, and the engine drops that limit */
	swapLimit: boolean
	/** name of the default OCI runtime */
	runtime: string
	/** the highest open-file limit that a container can be given */
	openFiles: number
}

interface Introduction {
	version: EngineVersion
	system: EngineSystem
	features: EngineFeatures
}

/** Engine 20.10 is the oldest that is tested; what a newer API changes beyond the second is unknown to this code. */
const OLDEST_API: [number, number] = [1, 41]
const NEWEST_API: [number, number] = [1, 47]

const OK = { 200: true, 201: true, 204: true }

/**
 * The one door to the engine: a versioned path, a deadline, and errors in three kinds: LatticeError ENGINE_UNAVAILABLE
 * (no answer), LatticeError CANCELLED (the caller aborted), EngineRefusal (the engine said no).
 */
export class EngineConnection {
	readonly host: DockerHost
	readonly #modem: Dockerode['modem']
	#introduction: Promise<Introduction> | null = null

	constructor(dockerHost: string) {
		this.host = parseDockerHost(dockerHost)
		// docker-modem 5 inspects the options of every request to the last depth, also when nobody debugs: 2 ms each with an
		// agent and its sockets inside.
		// No keep-alive: a pooled socket that an engine's restart closed fails the next request, and a new one to a Unix
		// socket costs 0.1 ms.
		const Agent = this.host.options.protocol === 'https' ? HttpsAgent : HttpAgent
		const agent = Object.assign(new Agent({ keepAlive: false }), { [inspect.custom]: () => 'Agent' })
		const options = { ...this.host.options, agent }
		this.#modem = new Dockerode(options).modem
	}

	async request<T>(request: EngineRequest): Promise<T> {
		const { api } = await this.features()
		return (await this.#dial(`/v${api.join('.')}${request.path}`, request, 'json')) as T
	}

	/** The response body as it comes; the deadline is for its first byte only. Aborting destroys it. */
	async stream(request: EngineRequest): Promise<IncomingMessage> {
		const { api } = await this.features()
		return (await this.#dial(`/v${api.join('.')}${request.path}`, request, 'stream')) as IncomingMessage
	}

	/** The connection itself, once the engine has handed it over: bytes both ways. The deadline is for the handover. */
	async hijack(request: EngineRequest): Promise<Socket> {
		const { api } = await this.features()
		return (await this.#dial(`/v${api.join('.')}${request.path}`, request, 'socket')) as Socket
	}

	/** An error of a stream after its first byte, in the same kinds. */
	broken(error: unknown, signal?: AbortSignal): LatticeError {
		if (error instanceof LatticeError) return error
		return signal?.aborted ? cancelled(error) : engineUnavailable(this.host.address, error)
	}

	async features(): Promise<EngineFeatures> {
		this.#introduction ??= this.introduce()
		return (await this.#introduction).features
	}

	/** Asked before the first request, and again at will: an engine can be replaced under a running agent. */
	introduce(): Promise<Introduction> {
		const introduction = this.#introduce()
		this.#introduction = introduction
		introduction.catch(() => {
			if (this.#introduction === introduction) this.#introduction = null
		})
		return introduction
	}

	async #introduce(): Promise<Introduction> {
		const version = (await this.#dial('/version', {}, 'json')) as EngineVersion
		const api = negotiatedApi(version)
		if (api === null) {
			throw new LatticeError(
				'ENGINE_UNAVAILABLE',
				`The Docker engine at ${this.host.address} is version ${version.Version}; Lattice needs 20.10 or newer.`,
				{ address: this.host.address, version: version.Version },
			)
		}
		const system = (await this.#dial(`/v${api.join('.')}/info`, {}, 'json')) as EngineSystem
		const features = {
			api,
			swapLimit: system.SwapLimit,
			runtime: system.DefaultRuntime,
			openFiles: await openFiles(this.host.local),
		}
		return { version, system, features }
	}

	async #dial(
		path: string,
		request: Omit<EngineRequest, 'path'>,
		answer: 'json' | 'stream' | 'socket',
	): Promise<unknown> {
		const { method = 'GET', query = {}, body = {}, timeoutMs = 30_000, signal } = request
		const deadline = new AbortController()
		const timer = setTimeout(() => deadline.abort(), timeoutMs)
		const abortSignal = signal === undefined ? deadline.signal : AbortSignal.any([signal, deadline.signal])
		try {
			signal?.throwIfAborted()
			return await new Promise((resolve, reject) => {
				this.#modem.dial(
					{
						path: Object.keys(query).length > 0 ? `${path}?` : path,
						method,
						options: { _query: query, _body: body },
						statusCodes: OK,
						abortSignal,
						isStream: answer !== 'json',
						...(answer === 'socket' && { hijack: true, openStdin: true }),
					},
					(error, result) => (error === null ? resolve(result) : reject(error)),
				)
			})
		} catch (error) {
			if (signal?.aborted) throw cancelled(error)
			throw refusalOf(error) ?? engineUnavailable(this.host.address, error)
		} finally {
			clearTimeout(timer)
		}
	}
}

function cancelled(cause: unknown): LatticeError {
	return new LatticeError('CANCELLED', 'The request was cancelled.', {}, { cause })
}

/** docker-modem puts status and body on its Error. */
function refusalOf(error: unknown): EngineRefusal | null {
	if (!(error instanceof Error) || !('statusCode' in error) || typeof error.statusCode !== 'number') return null
	const json = 'json' in error ? error.json : null
	const said = typeof json === 'object' && json !== null && 'message' in json ? json.message : null
	const reason = typeof said === 'string' ? said : error.message.replace(/^\(HTTP code \d+\) [\w ]+ - /, '')
	return new EngineRefusal(error.statusCode, reason)
}

function parseApi(text: string | undefined): [number, number] | null {
	const match = /^(\d+)\.(\d+)$/.exec(text ?? '')
	return match === null ? null : [Number(match[1]), Number(match[2])]
}

function older(a: [number, number], b: [number, number]): boolean {
	return a[0] < b[0] || (a[0] === b[0] && a[1] < b[1])
}

/** The newest API both know; a future engine's oldest when it no longer speaks ours; null when it is too old. */
export function negotiatedApi(version: Pick<EngineVersion, 'ApiVersion' | 'MinAPIVersion'>): [number, number] | null {
	const newest = parseApi(version.ApiVersion)
	if (newest === null || older(newest, OLDEST_API)) return null
	const oldest = parseApi(version.MinAPIVersion)
	if (oldest !== null && older(NEWEST_API, oldest)) return oldest
	return older(newest, NEWEST_API) ? newest : NEWEST_API
}

export function knowsApi(features: EngineFeatures, major: number, minor: number): boolean {
	return !older(features.api, [major, minor])
}
