import { execFile } from 'node:child_process'
import { createTRPCClient, httpLink, TRPCClientError } from '@trpc/client'
import type { WireError, Workload, WorkloadStatus } from '../../agent/protocol/index.ts'
import type { AppRouter } from '../../app/trpc/router.ts'
import { BUSYBOX } from '../fixtures/images.ts'
import { LATTICE, type Stack } from './stack-fixture.ts'
import { until } from './until.ts'

/** The ways into a running stack that programs have: tRPC by its own client, REST by fetch, the CLI as a process. */

export const ACCOUNT = { email: 'ada@example.test', password: 'correct horse battery' }

/** Answers every HTTP request, and logs it. */
export const WEB = {
	image: BUSYBOX,
	ports: [{ container: 8080, protocol: 'http' as const }],
	resources: { memoryMiB: 32, cpus: 0.1 },
}

export function trpc(stack: Stack, bearer?: string) {
	const headers = bearer === undefined ? {} : { authorization: `Bearer ${bearer}` }
	return createTRPCClient<AppRouter>({ links: [httpLink({ url: `${stack.consoleUrl}/api/trpc`, headers })] })
}
export type TrpcClient = ReturnType<typeof trpc>

export interface Refusal {
	status: number
	code: string
	message: string
	facts: Record<string, unknown>
}

/** The typed failure of a call that must fail. */
export async function trpcRefusal(call: Promise<unknown>): Promise<Refusal> {
	try {
		const answer = await call
		throw new Error(`it was not refused: ${JSON.stringify(answer)}`)
	} catch (error) {
		if (!(error instanceof TRPCClientError)) throw error
		const { httpStatus, lattice } = error.data ?? {}
		if (lattice === undefined) throw new Error(`untyped: ${error.message}`, { cause: error })
		return { status: httpStatus, code: lattice.code, message: error.message, facts: lattice.facts }
	}
}

/** What an answer may hold; the tests assert which it is. */
export type Answer = Workload & { error: WireError }

export interface RestAnswer<Body> {
	status: number
	body: Body
}

export async function rest<Body = Answer>(
	stack: Stack,
	bearer: string | null,
	method: string,
	path: string,
	body?: unknown,
	headers: Record<string, string> = {},
): Promise<RestAnswer<Body>> {
	const response = await fetch(`${stack.agentUrl}${path}`, {
		method,
		headers: {
			...(bearer === null ? {} : { authorization: `Bearer ${bearer}` }),
			...(body === undefined ? {} : { 'content-type': 'application/json' }),
			...headers,
		},
		...(body === undefined ? {} : { body: JSON.stringify(body) }),
	})
	return { status: response.status, body: (await response.json()) as Body }
}

export interface SseEvent {
	event: string
	data: Answer & { phase: string; lines: { text: string }[] }
}

/** Events of an answer that streams them, until it ends or the caller leaves the loop. */
export async function* sse(response: Response): AsyncGenerator<SseEvent> {
	if (response.body === null) throw new Error('an answer without a body')
	let rest = ''
	for await (const chunk of response.body.pipeThrough(new TextDecoderStream())) {
		const blocks = (rest + chunk).split('\n\n')
		rest = blocks.pop() ?? ''
		for (const block of blocks) {
			const field = (name: string) =>
				block
					.split('\n')
					.filter((line) => line.startsWith(`${name}:`))
					.map((line) => line.slice(name.length + 1).trim())
					.join('\n')
			if (field('event') !== '') yield { event: field('event'), data: JSON.parse(field('data')) }
		}
	}
}

export interface CliAnswer<Json> {
	code: number
	stdout: string
	stderr: string
	json: Json
}

/** `./lattice` beside a home of its own, as on a person's laptop. */
export function cli<Json = Answer>(
	home: string,
	args: readonly string[],
	env: Record<string, string> = {},
): Promise<CliAnswer<Json>> {
	const { DOCKER_HOST: _, DATABASE_URL: __, ...own } = process.env
	return new Promise((resolve) => {
		execFile(
			LATTICE,
			['--home', home, '--json', ...args],
			{ cwd: '/', env: { ...own, ...env }, timeout: 90_000 },
			(error, stdout, stderr) => {
				const code = error === null ? 0 : typeof error.code === 'number' ? error.code : -1
				resolve({ code, stdout, stderr, json: parsed(stdout) as Json })
			},
		)
	})
}

function parsed(stdout: string): unknown {
	try {
		return JSON.parse(stdout)
	} catch {
		return undefined // several lines, or none
	}
}

const FINAL: readonly WorkloadStatus[] = ['running', 'stopped', 'failed']

/** Polls until it is what it shall be; another final status ends the wait with its reason. */
export async function settled(client: TrpcClient, id: string, wanted: WorkloadStatus, withinMs = 60_000) {
	let last: Workload | null = null
	try {
		return await until(`${id} is ${wanted}`, withinMs, async () => {
			last = await client.workload.get.query({ id })
			return last.status === wanted && last
		})
	} catch (error) {
		throw new Error(`it is ${JSON.stringify(last)}`, { cause: error })
	}
}

/** One of the final ones, whichever. */
export function ended(client: TrpcClient, id: string, withinMs = 60_000) {
	return until(`the end of ${id}`, withinMs, async () => {
		const workload = await client.workload.get.query({ id })
		return FINAL.includes(workload.status) && workload
	})
}

/** Gone from the list and from the engine's books. */
export function gone(client: TrpcClient, id: string, withinMs = 60_000) {
	return until(`the end of ${id}`, withinMs, async () => {
		return !(await client.workload.list.query()).some((workload) => workload.id === id)
	})
}

/** The cookie of a login by the form. */
export async function logIn(stack: Stack, account: typeof ACCOUNT = ACCOUNT): Promise<string> {
	const response = await fetch(`${stack.consoleUrl}/login`, {
		method: 'POST',
		redirect: 'manual',
		headers: { origin: stack.consoleUrl },
		body: new URLSearchParams(account),
	})
	if (response.status !== 302) throw new Error(`the login answered ${response.status}`)
	return response.headers
		.getSetCookie()
		.map((cookie) => cookie.split(';')[0])
		.join('; ')
}
