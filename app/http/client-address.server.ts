import type { IncomingMessage } from 'node:http'

export interface Client {
	address: string
	/** it came by https, here or at the proxy in front */
	secure: boolean
}

/**
 * Who asks. Only a proxy that the operator named is believed: its own line of X-Forwarded-For is the last one, the
 * others anybody can write.
 */
export function clientOf(request: IncomingMessage, options: { trustProxy: boolean; publicUrl: URL | null }): Client {
	const socketAddress = withoutMapping(request.socket.remoteAddress ?? 'unknown')
	const isHttps = options.publicUrl?.protocol === 'https:'
	if (!options.trustProxy) return { address: socketAddress, secure: isHttps }
	const forwarded = lastOf(request.headers['x-forwarded-for'])
	const protocol = lastOf(request.headers['x-forwarded-proto'])
	return {
		address: forwarded === null ? socketAddress : withoutMapping(forwarded.slice(0, 64)),
		secure: protocol === null ? isHttps : protocol === 'https',
	}
}

function lastOf(header: string | string[] | undefined): string | null {
	const text = Array.isArray(header) ? header.join(',') : (header ?? '')
	return text.split(',').at(-1)?.trim() || null
}

/** An IPv4 client of a dual-stack socket is the same client as one of an IPv4 socket. */
function withoutMapping(address: string): string {
	return address.replace(/^::ffff:(?=\d+\.\d+\.\d+\.\d+$)/i, '')
}
