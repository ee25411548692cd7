import type { IncomingMessage } from 'node:http'
import { isIPv6, type Socket } from 'node:net'
import type { ResponseHead } from './response-reader.ts'

/** Of one connection only (RFC 9110, 7.6.1): each hop says its own. */
const HOP_BY_HOP: ReadonlySet<string> = new Set([
	'connection',
	'keep-alive',
	'proxy-connection',
	'proxy-authenticate',
	'proxy-authorization',
	'te',
	'trailer',
	'transfer-encoding',
	'upgrade',
])

/** Only a gateway may say these; whoever sends them wants to be taken for someone else. */
function isForged(name: string): boolean {
	if (!name.startsWith('x') && !name.startsWith('f')) return false
	// Many services read `_` in a header's name as `-`.
	const plain = name.replaceAll('_', '-')
	return plain.startsWith('x-forwarded-') || plain === 'forwarded' || plain === 'x-real-ip'
}

/** What `Connection` calls its own; null when that is nothing more than what is dropped anyway. */
function namedByConnection(raw: readonly string[]): ReadonlySet<string> | null {
	let named: Set<string> | null = null
	for (let index = 0; index < raw.length; index += 2) {
		const name = raw[index] ?? ''
		if (name.length !== 10 || name.toLowerCase() !== 'connection') continue
		for (const option of raw[index + 1]?.toLowerCase().split(',') ?? []) {
			const each = option.trim()
			if (each !== 'close' && !HOP_BY_HOP.has(each)) named = (named ?? new Set()).add(each)
		}
	}
	return named
}

export interface RequestFacts {
	/** in origin form */
	path: string
	/** what the client asked for, with its port */
	host: string
	/** `upgrade` of a request that wants another protocol */
	upgrade: string | null
	/** the body's own framing */
	body: { length: number | null } | null
}

/** The request line and headers as a replica gets them. */
export function requestHead(request: IncomingMessage, facts: RequestFacts): string {
	const raw = request.rawHeaders
	const dropped = namedByConnection(raw)
	let head = `${request.method} ${facts.path} HTTP/1.1\r\nHost: ${facts.host}\r\n`
	for (let index = 0; index < raw.length; index += 2) {
		const name = raw[index] ?? ''
		const lower = name.toLowerCase()
		if (lower === 'host' || lower === 'content-length' || lower === 'expect') continue
		if (HOP_BY_HOP.has(lower) || dropped?.has(lower) || isForged(lower)) continue
		head += `${name}: ${raw[index + 1]}\r\n`
	}
	const client = clientAddress(request.socket)
	const proto = 'encrypted' in request.socket ? 'https' : 'http'
	head += `X-Forwarded-For: ${client}\r\nX-Forwarded-Proto: ${proto}\r\nX-Forwarded-Host: ${facts.host}\r\nX-Real-IP: ${client}\r\n`
	if (facts.body !== null) {
		head += facts.body.length === null ? 'Transfer-Encoding: chunked\r\n' : `Content-Length: ${facts.body.length}\r\n`
	}
	if (facts.upgrade !== null) head += `Connection: Upgrade\r\nUpgrade: ${facts.upgrade}\r\n`
	return `${head}\r\n`
}

/** The headers of an answer as the client gets them: name, value, name, value. */
export function responseHeaders(head: ResponseHead): string[] {
	const dropped = namedByConnection(head.headers)
	const kept: string[] = []
	for (let index = 0; index < head.headers.length; index += 2) {
		const name = head.headers[index] ?? ''
		const lower = name.toLowerCase()
		if (!HOP_BY_HOP.has(lower) && !dropped?.has(lower)) kept.push(name, head.headers[index + 1] ?? '')
	}
	return kept
}

/** IPv4 as such, also on a socket that listens on both. */
function clientAddress(socket: Socket): string {
	const address = socket.remoteAddress ?? 'unknown'
	const plain = address.startsWith('::ffff:') ? address.slice(7) : address
	return isIPv6(plain) ? `[${plain}]` : plain
}

/** The body that the request announces; null when it has none. */
export function bodyOf(request: IncomingMessage): RequestFacts['body'] {
	if (request.headers['transfer-encoding'] !== undefined) return { length: null }
	const length = Number(request.headers['content-length'] ?? 0)
	if (length > 0) return { length }
	// A length of zero is said as well: some services refuse a POST that names none.
	return request.headers['content-length'] === undefined ? null : { length: 0 }
}

/** `http://host/path` is asked of proxies: as origin form, with its host over the header's (RFC 9112, 3.2.2). */
export function targetOf(request: IncomingMessage): { path: string; host: string } | null {
	const host = request.headers.host ?? ''
	const url = request.url ?? ''
	if (url.startsWith('/') || (url === '*' && request.method === 'OPTIONS')) return { path: url, host }
	const absolute = /^https?:\/\//i.test(url) && URL.canParse(url) ? new URL(url) : null
	return absolute && { path: `${absolute.pathname}${absolute.search}`, host: absolute.host }
}
