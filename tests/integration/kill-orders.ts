import { readFileSync } from 'node:fs'
import { createTRPCClient, httpLink, TRPCClientError } from '@trpc/client'
import type { WireError, Workload } from '../../agent/protocol/index.ts'
import type { AppRouter } from '../../app/trpc/router.ts'
import { tar } from '../contracts/local-registry.ts'
import { BUSYBOX_BINARY } from '../fixtures/images.ts'
import type { Stack } from './kill-stack.ts'

/** `broken`: no answer, as when the process that was asked is killed. */
export type Answer = { id: string } | { code: string } | { broken: string }

export interface Order {
	name: string
	commandId: string
	door: 'console' | 'agent'
	config: object
}

/** Silent for half a second, so that a deployment waits for it. */
const COMMAND = ['/busybox', 'sh', '-c', '/busybox sleep 0.5; exec /busybox httpd -f -p 8080']
const PORT = 8080

/** Each has a layer of its own, so that every order has something to download. */
export function imageOf(reference: string) {
	const busybox = tar('busybox', readFileSync(BUSYBOX_BINARY), '0755')
	return { layers: [busybox, tar('name', Buffer.from(reference.padEnd(1024)))], command: COMMAND }
}

export function configOf(image: string) {
	return {
		image,
		command: COMMAND,
		ports: [{ container: PORT, protocol: 'http' }],
		resources: { memoryMiB: 16, cpus: 0.1 },
	}
}

/** A person with an account, at the console's tRPC and at the agent's REST. */
export class Customer {
	readonly #stack: Stack
	#token = ''

	constructor(stack: Stack) {
		this.#stack = stack
	}

	async register(): Promise<void> {
		const { token } = await this.#api().user.register.mutate({
			email: 'kill@example.org',
			password: 'correct horse battery staple',
		})
		this.#token = token
	}

	/** `wait`: the agent answers only when the workload runs or failed. */
	async order({ door, name, commandId, config }: Order, wait: boolean): Promise<Answer> {
		const body = { name, type: 'custom', config }
		const path = `/api/workloads/deploy?wait=${Number(wait)}`
		try {
			if (door === 'console') return await this.#api().workload.deploy.mutate({ ...body, commandId })
			const response = await this.#rest('POST', path, body, { 'idempotency-key': commandId })
			const answer = (await response.json()) as { id: string } | { error: WireError }
			return 'error' in answer ? { code: answer.error.code } : { id: answer.id }
		} catch (error) {
			const code = error instanceof TRPCClientError ? codeOf(error) : undefined
			return code === undefined ? { broken: String(error) } : { code }
		}
	}

	/** As the console's records have it. */
	records(): Promise<Workload[]> {
		return this.#api().workload.list.query({})
	}

	/** As the agent reports it. */
	async reports(): Promise<Workload[]> {
		return (await (await this.#rest('GET', '/api/workloads')).json()) as Workload[]
	}

	/** False while its host cannot be reached; then nothing was changed. */
	async remove(id: string): Promise<boolean> {
		try {
			await this.#api().workload.delete.mutate({ id })
			return true
		} catch (error) {
			if (error instanceof TRPCClientError && codeOf(error) === 'HOST_UNREACHABLE') return false
			throw error
		}
	}

	#rest(method: string, path: string, body?: object, headers: Record<string, string> = {}): Promise<Response> {
		return fetch(`${this.#stack.agent}${path}`, {
			method,
			headers: { authorization: `Bearer ${this.#token}`, 'content-type': 'application/json', ...headers },
			...(body && { body: JSON.stringify(body) }),
			signal: AbortSignal.timeout(60_000),
		})
	}

	#api() {
		const headers = this.#token === '' ? {} : { Authorization: `Bearer ${this.#token}` }
		return createTRPCClient<AppRouter>({ links: [httpLink({ url: `${this.#stack.console}/api/trpc`, headers })] })
	}
}

function codeOf(error: { data?: { lattice?: { code?: string } } | null | undefined }): string | undefined {
	return error.data?.lattice?.code
}
