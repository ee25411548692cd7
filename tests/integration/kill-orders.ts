import { readFileSync } from 'node:fs'
import { TRPCClientError } from '@trpc/client'
import type { Workload } from '../../agent/protocol/index.ts'
import { tar } from '../contracts/local-registry.ts'
import { BUSYBOX_BINARY } from '../fixtures/images.ts'
import { ACCOUNT, rest, trpc } from './stack-clients.ts'
import type { Stack } from './stack-fixture.ts'

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
	readonly #token: string

	private constructor(stack: Stack, token: string) {
		this.#stack = stack
		this.#token = token
	}

	static async register(stack: Stack): Promise<Customer> {
		const { token } = await trpc(stack).user.register.mutate(ACCOUNT)
		return new Customer(stack, token)
	}

	/** `wait`: the agent answers only when the workload runs or failed. */
	async order({ door, name, commandId, config }: Order, wait: boolean): Promise<Answer> {
		const order = { name, type: 'custom', config }
		const path = `/api/workloads/deploy?wait=${Number(wait)}`
		try {
			if (door === 'console') return await this.#api().workload.deploy.mutate({ ...order, commandId })
			const key = { 'idempotency-key': commandId }
			const { status, body } = await rest(this.#stack, this.#token, 'POST', path, order, key)
			return status < 300 ? body : { code: body.error.code }
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
		return (await rest<Workload[]>(this.#stack, this.#token, 'GET', '/api/workloads')).body
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

	#api() {
		return trpc(this.#stack, this.#token)
	}
}

function codeOf(error: { data?: { lattice?: { code?: string } } | null | undefined }): string | undefined {
	return error.data?.lattice?.code
}
