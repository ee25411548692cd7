import { randomBytes } from 'node:crypto'
import type { MiddlewareHandler } from 'hono'
import { LatticeError } from '../../agent/protocol/index.ts'
import type { ConsoleEnv } from './console-env.ts'

/**
 * Headers of every answer. Scripts run by nonce or from this origin only, so that a name or a log line that carries
 * markup does nothing; inline style attributes are the progress bars' widths.
 */
export function securityHeaders(options: { https: boolean }): MiddlewareHandler<ConsoleEnv> {
	return async (c, next) => {
		const nonce = randomBytes(18).toString('base64')
		c.set('nonce', nonce)
		await next()
		const { headers } = c.res
		headers.set('Content-Security-Policy', policy(nonce))
		headers.set('X-Content-Type-Options', 'nosniff')
		headers.set('X-Frame-Options', 'DENY')
		headers.set('Referrer-Policy', 'same-origin')
		headers.set('Permissions-Policy', 'camera=(), geolocation=(), microphone=()')
		if (!options.https) return
		// on plain HTTP browsers ignore both, and say so in their console at each page
		headers.set('Cross-Origin-Opener-Policy', 'same-origin')
		headers.set('Strict-Transport-Security', 'max-age=31536000')
	}
}

function policy(nonce: string): string {
	return [
		"default-src 'self'",
		`script-src 'self' 'nonce-${nonce}'`,
		// xterm writes its measures into <style> elements of its own, which carry the page's nonce
		`style-src 'self' 'nonce-${nonce}'`,
		"style-src-attr 'unsafe-inline'",
		"img-src 'self' data:",
		"object-src 'none'",
		"base-uri 'none'",
		"form-action 'self'",
		"frame-ancestors 'none'",
	].join('; ')
}

const SAFE_METHODS = new Set(['GET', 'HEAD', 'OPTIONS'])

/**
 * A change that a browser asks for must come from a page of this origin: SameSite=Lax keeps the cookie out of foreign
 * POSTs, but not out of a sibling subdomain's, and a login needs none. Requests with a bearer token carry their own
 * authority; programs without a browser send neither Origin nor Sec-Fetch-Site. A page cannot set X-Forwarded-Host.
 */
export function requireSameOrigin(options: { publicUrl: URL | null }): MiddlewareHandler<ConsoleEnv> {
	return async (c, next) => {
		const isChange = !SAFE_METHODS.has(c.req.method)
		if (isChange && !c.req.header('authorization')) {
			const hosts = new Set([c.req.header('host'), c.req.header('x-forwarded-host'), options.publicUrl?.host])
			if (!isSameOrigin(c.req.header('origin'), c.req.header('sec-fetch-site'), hosts)) {
				throw new LatticeError(
					'FORBIDDEN',
					'This request came from another site, so it was refused. Use the console itself.',
				)
			}
		}
		await next()
	}
}

export function isSameOrigin(
	origin: string | undefined,
	fetchSite: string | undefined,
	hosts: ReadonlySet<string | undefined>,
): boolean {
	if (origin !== undefined) return URL.canParse(origin) && hosts.has(new URL(origin).host)
	return fetchSite === undefined || fetchSite === 'same-origin' || fetchSite === 'none'
}
