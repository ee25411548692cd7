import { createCookie } from '@remix-run/node'
import { z } from 'zod'
import { parseInput } from '../agent/protocol/index.ts'

/** As the theme: it only says how times are written in this browser. */
const cookie = createCookie('lattice_zone', { path: '/', sameSite: 'lax', httpOnly: true, maxAge: 365 * 86_400 })

const ZoneInput = z.object({
	zone: z
		.string()
		.trim()
		.max(64)
		.refine(
			isZone,
			'is no time zone; give one such as Europe/Berlin or UTC, or leave it empty for that of the browser',
		),
})

/** Empty: the browser's own. Throws INVALID_INPUT that names the field. */
export function zoneFrom(value: unknown): string {
	return parseInput(ZoneInput, { zone: value }).zone
}

export async function zoneOf(request: Request): Promise<string> {
	const value: unknown = await cookie.parse(request.headers.get('Cookie'))
	return typeof value === 'string' && isZone(value) ? value : ''
}

export function serializeZone(zone: string, secure: boolean): Promise<string> {
	return cookie.serialize(zone, { secure })
}

function isZone(value: string): boolean {
	if (value === '') return true
	try {
		return new Intl.DateTimeFormat('en', { timeZone: value }).resolvedOptions().timeZone !== ''
	} catch {
		return false
	}
}
