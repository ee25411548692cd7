/** What a replica answered before the body; `headers` as name, value, name, value. */
export interface ResponseHead {
	status: number
	message: string
	headers: string[]
}

export interface ResponseSink {
	onHead(head: ResponseHead): void
	onBody(chunk: Buffer): void
	/** the connection may serve another request */
	onEnd(reusable: boolean): void
	/** 101: from here on the connection speaks another protocol; `rest` is its first bytes */
	onUpgrade(head: ResponseHead, rest: Buffer): void
}

/** The answer is not HTTP/1.1, or is framed in a way that two readers could understand differently. */
export class MalformedResponse extends Error {}

const HEAD_END = Buffer.from('\r\n\r\n')
const LINE_END = Buffer.from('\r\n')
const MAX_HEAD_BYTES = 64 * 1024
const MAX_LINE_BYTES = 4 * 1024
const NOTHING = Buffer.alloc(0)

type State = 'head' | 'length' | 'close' | 'size' | 'chunk' | 'chunk-end' | 'trailer' | 'done'

/**
 * Reads one HTTP/1.1 answer (RFC 9112) and hands its body on as it comes. Own code, because http.request and undici reach
 * 0.31 and 0.39 of haproxy's requests a second in a gateway, and this 0.9: docs/decisions has the numbers.
 */
export class ResponseReader {
	readonly #sink: ResponseSink
	readonly #isHead: boolean
	#state: State = 'head'
	#kept: Buffer = NOTHING
	#left = 0
	#reusable = true

	constructor(method: string, sink: ResponseSink) {
		this.#isHead = method === 'HEAD'
		this.#sink = sink
	}

	get isDone(): boolean {
		return this.#state === 'done'
	}

	push(chunk: Buffer): void {
		let rest: Buffer | null = this.#kept.length > 0 ? Buffer.concat([this.#kept, chunk]) : chunk
		this.#kept = NOTHING
		while (rest !== null && rest.length > 0) {
			if (this.#state === 'done') throw new MalformedResponse('bytes after the end of an answer')
			rest = this.#step(rest)
		}
	}

	/** The stream has ended: the end of the answer for one that has no other mark. */
	end(): void {
		if (this.#state !== 'close') throw new MalformedResponse('the answer ended early')
		this.#finish(false)
	}

	/** What is left to read; null when more must come first. */
	#step(bytes: Buffer): Buffer | null {
		switch (this.#state) {
			case 'head':
				return this.#head(bytes)
			case 'close':
				this.#sink.onBody(bytes)
				return null
			case 'length':
			case 'chunk': {
				const part = bytes.length > this.#left ? bytes.subarray(0, this.#left) : bytes
				this.#left -= part.length
				const isLast = this.#left === 0
				this.#sink.onBody(part)
				if (isLast && this.#state === 'length') this.#finish(this.#reusable)
				else if (isLast) this.#state = 'chunk-end'
				return bytes.subarray(part.length)
			}
			default:
				return this.#line(bytes)
		}
	}

	#line(bytes: Buffer): Buffer | null {
		const end = bytes.indexOf(LINE_END)
		if (end < 0) {
			if (bytes.length > MAX_LINE_BYTES) throw new MalformedResponse('an endless line between chunks')
			this.#kept = bytes
			return null
		}
		const line = bytes.toString('latin1', 0, end)
		if (this.#state === 'size') {
			const size = /^([0-9a-f]{1,13})[ \t]*(?:;.*)?$/i.exec(line)?.[1]
			if (size === undefined) throw new MalformedResponse('a chunk without a size')
			this.#left = Number.parseInt(size, 16)
			this.#state = this.#left === 0 ? 'trailer' : 'chunk'
		} else if (this.#state === 'chunk-end') {
			if (line !== '') throw new MalformedResponse('a chunk that is longer than its size')
			this.#state = 'size'
		} else if (line === '') {
			this.#finish(this.#reusable)
		}
		return bytes.subarray(end + 2)
	}

	#head(bytes: Buffer): Buffer | null {
		const end = bytes.indexOf(HEAD_END)
		if (end > MAX_HEAD_BYTES || (end < 0 && bytes.length > MAX_HEAD_BYTES)) {
			throw new MalformedResponse(`headers of more than ${MAX_HEAD_BYTES} bytes`)
		}
		if (end < 0) {
			this.#kept = bytes
			return null
		}
		const rest = bytes.subarray(end + 4)
		const { head, framing } = parseHead(bytes.toString('latin1', 0, end))
		if (head.status === 101) {
			this.#state = 'done'
			this.#sink.onUpgrade(head, rest)
			return null
		}
		// Interim answers: the client was told to go on by the gateway itself.
		if (head.status < 200) return rest
		this.#reusable = framing.keepAlive
		const isBodiless = this.#isHead || head.status === 204 || head.status === 304
		this.#sink.onHead(head)
		if (isBodiless || framing.length === 0) this.#finish(this.#reusable)
		else if (framing.isChunked) this.#state = 'size'
		else if (framing.length === null) this.#state = 'close'
		else {
			this.#state = 'length'
			this.#left = framing.length
		}
		return rest
	}

	#finish(reusable: boolean): void {
		this.#state = 'done'
		this.#sink.onEnd(reusable)
	}
}

interface Framing {
	keepAlive: boolean
	isChunked: boolean
	/** null: until the stream ends */
	length: number | null
}

function parseHead(text: string): { head: ResponseHead; framing: Framing } {
	const lines = text.split('\r\n')
	const [, minor, status, message = ''] = /^HTTP\/1\.([01]) ([1-9]\d\d)(?: (.*))?$/.exec(lines[0] ?? '') ?? []
	if (status === undefined) throw new MalformedResponse('no HTTP/1.1 status line')
	const head: ResponseHead = { status: Number(status), message, headers: [] }
	const framing: Framing = { keepAlive: minor === '1', isChunked: false, length: null }
	for (let index = 1; index < lines.length; index++) {
		const line = lines[index] ?? ''
		const colon = line.indexOf(':')
		if (colon < 1 || line.charCodeAt(0) === 32 || line.charCodeAt(0) === 9) {
			throw new MalformedResponse('a header line without a name')
		}
		const name = line.slice(0, colon)
		const value = line.slice(colon + 1).trim()
		head.headers.push(name, value)
		frame(framing, name.toLowerCase(), value)
	}
	// Both of them: a chunked body counts (RFC 9112, 6.3), and the connection is not trusted any further.
	if (framing.isChunked && framing.length !== null) {
		framing.keepAlive = false
		framing.length = null
		head.headers = withoutLength(head.headers)
	}
	return { head, framing }
}

/** The client would believe it, and take the rest of the body for the next answer. */
function withoutLength(headers: readonly string[]): string[] {
	return headers.filter((_, index) => headers[index - (index % 2)]?.toLowerCase() !== 'content-length')
}

function frame(framing: Framing, name: string, value: string): void {
	if (name === 'content-length') {
		const length = /^\d{1,15}$/.test(value) ? Number(value) : null
		if (length === null || (framing.length !== null && framing.length !== length)) {
			throw new MalformedResponse('a content length that is none')
		}
		framing.length = length
	} else if (name === 'transfer-encoding') {
		if (value.toLowerCase() !== 'chunked' || framing.isChunked)
			throw new MalformedResponse('an unknown transfer encoding')
		framing.isChunked = true
	} else if (name === 'connection') {
		const options = value.toLowerCase()
		if (options.includes('close')) framing.keepAlive = false
		else if (options.includes('keep-alive')) framing.keepAlive = true
	}
}
