import { describe, expect, it } from 'vitest'
import { clientOf } from './client-address.server.ts'
import { isSameOrigin } from './security.server.ts'

describe('the same-origin check', () => {
	const hosts = new Set(['lattice.example:3000'])

	it.each([
		['http://lattice.example:3000', undefined, true],
		['https://evil.example', undefined, false],
		['http://lattice.example:3001', undefined, false],
		['null', undefined, false],
		['not a url', 'same-origin', false],
		[undefined, 'same-origin', true],
		[undefined, 'none', true],
		[undefined, 'same-site', false],
		[undefined, 'cross-site', false],
		// no browser sends neither
		[undefined, undefined, true],
	])('of Origin %j and Sec-Fetch-Site %j is %j', (origin, fetchSite, expected) => {
		expect(isSameOrigin(origin, fetchSite, hosts)).toBe(expected)
	})
})

describe('the client of a request', () => {
	const request = (remoteAddress: string, headers: Record<string, string> = {}) =>
		({ socket: { remoteAddress }, headers }) as unknown as Parameters<typeof clientOf>[0]
	const forwarded = { 'x-forwarded-for': '203.0.113.66, 198.51.100.7', 'x-forwarded-proto': 'https' }

	it('is the socket, whatever the request says of itself', () => {
		const client = clientOf(request('::ffff:192.0.2.1', forwarded), { trustProxy: false, publicUrl: null })
		expect(client).toEqual({ address: '192.0.2.1', secure: false })
	})

	it('behind a trusted proxy is what that proxy wrote, and not what came before it', () => {
		const client = clientOf(request('127.0.0.1', forwarded), { trustProxy: true, publicUrl: null })
		expect(client).toEqual({ address: '198.51.100.7', secure: true })
		expect(clientOf(request('127.0.0.1'), { trustProxy: true, publicUrl: null })).toEqual({
			address: '127.0.0.1',
			secure: false,
		})
	})

	it('came securely when the console is published by https', () => {
		expect(clientOf(request('192.0.2.1'), { trustProxy: false, publicUrl: new URL('https://l.example') }).secure).toBe(
			true,
		)
	})
})
