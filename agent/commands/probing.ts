import { lookup } from 'node:dns/promises'
import { request as httpRequest } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { BlockList, connect, isIP, isIPv6 } from 'node:net'
import type { Subject } from '../identity/index.ts'
import { type CommandOf, CommandResult, type Endpoint, LatticeError, type Measured } from '../protocol/index.ts'
import type { Directory } from './directory.ts'
import { mayTouch, notFound } from './ownership.ts'

const PATIENCE_MS = 5_000
const NONE: Measured = {
	answered: false,
	resolvedMs: null,
	connectedMs: null,
	answeredMs: null,
	httpStatus: null,
	problem: null,
}

/** Of this machine, and of the cloud it may stand in: what a host says of its endpoints must not lead a node there. */
const INSIDE = new BlockList()
INSIDE.addSubnet('127.0.0.0', 8, 'ipv4')
INSIDE.addAddress('0.0.0.0', 'ipv4')
INSIDE.addAddress('::1', 'ipv6')
INSIDE.addAddress('::', 'ipv6')
const NEVER = new BlockList()
NEVER.addSubnet('169.254.0.0', 16, 'ipv4')
NEVER.addSubnet('fe80::', 10, 'ipv6')

export interface ProbingModules {
	peerId: string
	directory: Pick<Directory, 'of' | 'routes'>
}

/** Dials an endpoint of a workload from this node, as a client would, and says what it measured. Nothing else can be dialled. */
export class Probing {
	readonly #modules: ProbingModules

	constructor(modules: ProbingModules) {
		this.#modules = modules
	}

	async probe({ workloadId, url }: CommandOf<'probe'>, subject: Subject): Promise<CommandResult> {
		const { directory, peerId } = this.#modules
		const reports = directory.of(workloadId)
		const [first] = reports
		if (!first || !mayTouch(subject, first.owner)) throw notFound(workloadId)
		const own = reports.flatMap(({ node, replicas }) =>
			replicas.flatMap(({ endpoints }) => endpoints.map((endpoint) => ({ endpoint, at: node.peerId }))),
		)
		const given = directory.routes(workloadId).map((endpoint) => ({ endpoint, at: endpoint.via?.peerId ?? null }))
		const found = [...given, ...own].find(({ endpoint }) => endpoint.url === url)
		if (!found)
			throw new LatticeError('NOT_FOUND', 'The workload has no such endpoint (any more); look at its page again.', {
				url,
			})
		return CommandResult.parse({ measured: await measure(found.endpoint, found.at === peerId) })
	}
}

async function measure(endpoint: Endpoint, isHere: boolean): Promise<Measured> {
	const began = performance.now()
	const passed = () => Math.round((performance.now() - began) * 10) / 10
	const url = new URL(endpoint.url)
	const host = url.hostname.replace(/^\[|\]$/g, '')
	const measured = { ...NONE }
	try {
		const address = isIP(host) ? host : await resolve(host)
		if (!isIP(host)) measured.resolvedMs = passed()
		const family = isIPv6(address) ? 'ipv6' : 'ipv4'
		if (NEVER.check(address, family) || (INSIDE.check(address, family) && !isHere)) {
			return {
				...measured,
				problem: `${host} is an address of its own machine only; it cannot be reached from another.`,
			}
		}
		const port = Number(url.port || (url.protocol === 'https:' ? 443 : 80))
		if (endpoint.protocol === 'http') await ask(url, address, port, measured, passed)
		else await dial(address, port, measured, passed)
		return { ...measured, answered: true }
	} catch (thrown) {
		return { ...measured, problem: sentenceOf(thrown) }
	}
}

async function resolve(host: string): Promise<string> {
	const late = new Promise<never>((_, reject) => setTimeout(() => reject(timedOut()), PATIENCE_MS).unref())
	const { address } = await Promise.race([lookup(host), late])
	return address
}

function dial(host: string, port: number, measured: Measured, passed: () => number): Promise<void> {
	return new Promise((done, reject) => {
		const socket = connect({ host, port, timeout: PATIENCE_MS })
		socket.once('connect', () => {
			measured.connectedMs = passed()
			socket.end()
			done()
		})
		socket.once('timeout', () => socket.destroy(timedOut()))
		socket.once('error', reject)
	})
}

/** Any answer counts: the service may want a log in. */
function ask(url: URL, host: string, port: number, measured: Measured, passed: () => number): Promise<void> {
	return new Promise((done, reject) => {
		const options = { host, port, path: '/', method: 'GET', agent: false, headers: { host: url.host } } as const
		const asked =
			url.protocol === 'https:' ? httpsRequest({ ...options, servername: url.hostname }) : httpRequest(options)
		const late = setTimeout(() => asked.destroy(timedOut()), PATIENCE_MS)
		asked.on('socket', (socket) =>
			socket.once('connect', () => {
				measured.connectedMs = passed()
			}),
		)
		asked.on('response', (response) => {
			measured.answeredMs = passed()
			measured.httpStatus = response.statusCode ?? null
			response.destroy()
			done()
		})
		asked.on('error', reject)
		asked.on('close', () => clearTimeout(late))
		asked.end()
	})
}

function timedOut(): Error {
	return new LatticeError('TIMEOUT', `It did not answer within ${PATIENCE_MS / 1000} s.`)
}

const SENTENCES: Record<string, string> = {
	ECONNREFUSED: 'The connection was refused: nothing listens there.',
	ECONNRESET: 'The connection was cut off.',
	EHOSTUNREACH: 'No way leads to this address from there.',
	ENETUNREACH: 'No way leads to this address from there.',
	ENOTFOUND: 'The name does not resolve there.',
	EAI_AGAIN: 'The name cannot be looked up there: no resolver answers.',
}

function sentenceOf(thrown: unknown): string {
	if (thrown instanceof LatticeError) return thrown.message
	const code = thrown instanceof Error && 'code' in thrown ? String(thrown.code) : ''
	return SENTENCES[code] ?? `It could not be dialled${code ? ` (${code})` : ''}.`
}
