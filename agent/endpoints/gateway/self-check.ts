import { randomBytes } from 'node:crypto'
import { request as httpRequest } from 'node:http'
import { request as httpsRequest } from 'node:https'

const PREFIX = '/.well-known/lattice-gateway/'
const PATIENCE_MS = 3_000

/**
 * Whether an address leads to this very gateway: it asks itself for a word that only it knows, by the way that others
 * would come. Only paths with a word that is being asked for are answered, so no workload loses one.
 */
export class SelfCheck {
	readonly #asked = new Map<string, string>()
	readonly #roots: string[] | null

	/** `roots`: what proves the certificates of the names; null: what everybody trusts */
	constructor(roots: string[] | null) {
		this.#roots = roots
	}

	answer(path: string): string | null {
		return path.startsWith(PREFIX) ? (this.#asked.get(path.slice(PREFIX.length)) ?? null) : null
	}

	/** `url` without a path; dialled at `address`, which a resolver gave, or which the host name already is. */
	async leadsHere(url: URL, address: string): Promise<boolean> {
		const question = randomBytes(16).toString('hex')
		const word = randomBytes(16).toString('hex')
		this.#asked.set(question, word)
		try {
			return (await get(url, address, PREFIX + question, this.#roots)) === word
		} finally {
			this.#asked.delete(question)
		}
	}
}

/** The body of a small answer; null when there is none. */
function get(url: URL, address: string, path: string, roots: string[] | null): Promise<string | null> {
	const isTls = url.protocol === 'https:'
	const port = Number(url.port || (isTls ? 443 : 80))
	const options = { host: address, port, path, headers: { host: url.host }, agent: false, timeout: PATIENCE_MS }
	return new Promise((resolve) => {
		const request = isTls
			? httpsRequest({ ...options, servername: url.hostname, ...(roots && { ca: roots }) })
			: httpRequest(options)
		const late = setTimeout(() => request.destroy(), PATIENCE_MS)
		request.on('response', (response) => {
			let body = ''
			response.setEncoding('utf8')
			response.on('data', (chunk: string) => {
				body += chunk
				if (body.length > 1_000) request.destroy()
			})
			response.on('end', () => resolve(body))
		})
		request.on('error', () => resolve(null))
		request.on('close', () => {
			clearTimeout(late)
			resolve(null)
		})
		request.end()
	})
}
