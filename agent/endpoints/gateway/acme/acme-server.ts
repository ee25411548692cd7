import { X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { Agent } from 'node:https'
import { rootCertificates } from 'node:tls'
import { LatticeError } from '../../../protocol/index.ts'
import type { GatewayCertificates, IssuedCertificate } from '../../../store/gateway-certificates.ts'
import { failureOf } from './failure.ts'

export interface AcmeOptions {
	/** where the server writes to when something is wrong with a certificate */
	email: string
	/** URL of its directory */
	directory: string
	/** PEM file that proves a server of one's own and what it issues; null: the usual authorities */
	rootFile: string | null
}

type Acme = typeof import('acme-client')
interface Opened {
	acme: Acme
	client: InstanceType<Acme['Client']>
}

/** RFC 8555, 8.3 */
export const CHALLENGES = '/.well-known/acme-challenge/'
const REQUEST_MS = 30_000

/** One ACME server, and this gateway's account there (RFC 8555). It is proven by HTTP-01 that a name leads here. */
export class AcmeServer {
	readonly #options: AcmeOptions
	readonly #store: Pick<GatewayCertificates, 'accountKey' | 'putAccountKey'>
	readonly #answers = new Map<string, string>()
	readonly #roots: string[] | null
	#opened: Promise<Opened> | null = null

	/** INVALID_INPUT when the file of roots cannot be read. Whoever makes it has agreed to the server's terms. */
	constructor(options: AcmeOptions, store: Pick<GatewayCertificates, 'accountKey' | 'putAccountKey'>) {
		this.#options = options
		this.#store = store
		this.#roots = options.rootFile === null ? null : rootsOf(options.rootFile)
	}

	/** What proves certificates of this server; null: the usual authorities. */
	get roots(): string[] | null {
		return this.#roots
	}

	/** The answer to a challenge that is open right now; null: it is none, and may be a workload's own. */
	answer(path: string): string | null {
		return path.startsWith(CHALLENGES) ? this.answerTo(path.slice(CHALLENGES.length)) : null
	}

	answerTo(token: string): string | null {
		return this.#answers.get(token) ?? null
	}

	/** Throws an AcmeFailure. */
	async issue(name: string): Promise<IssuedCertificate> {
		try {
			const { acme, client } = await this.#open()
			const key = (await acme.crypto.createPrivateEcdsaKey()).toString()
			const [, csr] = await acme.crypto.createCsr({ altNames: [name] }, key)
			const chain = await client.auto({
				csr,
				email: this.#options.email,
				termsOfServiceAgreed: true,
				challengePriority: ['http-01'],
				skipChallengeVerification: true,
				challengeCreateFn: async (_authorization, { token }, answer) => void this.#answers.set(token, answer),
				challengeRemoveFn: async (_authorization, { token }) => void this.#answers.delete(token),
			})
			if (new X509Certificate(chain).checkHost(name) === undefined)
				throw new Error('its certificate is for other names')
			return { chain, key }
		} catch (thrown) {
			// A server that has forgotten the account gets it anew with the same key.
			this.#opened = null
			throw failureOf(thrown, name, new URL(this.#options.directory).host)
		}
	}

	/** Loaded with the first order: a gateway without one needs none of it in memory. */
	#open(): Promise<Opened> {
		this.#opened ??= import('acme-client').then(async (acme) => {
			const { directory } = this.#options
			acme.axios.defaults.timeout = REQUEST_MS
			// Its own waits out what the server asks for, with all other names behind it, and at its end hides an error of
			// the network behind a TypeError (5.4.0). When to try again is decided in one place: order-plan.
			acme.axios.interceptors.response.clear()
			acme.axios.interceptors.response.use(null, (error) => error.response ?? Promise.reject(error))
			if (this.#roots) acme.axios.defaults.httpsAgent = new Agent({ ca: this.#roots })
			let accountKey = this.#store.accountKey(directory)
			if (accountKey === null) {
				accountKey = (await acme.crypto.createPrivateEcdsaKey()).toString()
				this.#store.putAccountKey(directory, accountKey)
			}
			const client = new acme.Client({ directoryUrl: directory, accountKey, backoffMin: 1_000, backoffMax: 15_000 })
			return { acme, client }
		})
		return this.#opened
	}
}

function rootsOf(file: string): string[] {
	try {
		return [...rootCertificates, readFileSync(file, 'utf8')]
	} catch (cause) {
		const why = cause instanceof Error ? cause.message : String(cause)
		const sentence = `--gateway-acme-root must be a PEM file that the agent can read (${why}).`
		throw new LatticeError('INVALID_INPUT', sentence, {}, { cause })
	}
}
