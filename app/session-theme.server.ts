import { createCookie } from '@remix-run/node'

export const THEMES = ['system', 'light', 'dark'] as const
export type Theme = (typeof THEMES)[number]

/** Not a secret and not signed: it only picks colours, and is read before anyone has logged in. */
const cookie = createCookie('lattice_theme', { path: '/', sameSite: 'lax', httpOnly: true, maxAge: 365 * 86_400 })

export function themeFrom(value: unknown): Theme {
	return THEMES.find((theme) => theme === value) ?? 'system'
}

export async function themeOf(request: Request): Promise<Theme> {
	return themeFrom(await cookie.parse(request.headers.get('Cookie')))
}

export function serializeTheme(theme: Theme, secure: boolean): Promise<string> {
	return cookie.serialize(theme, { secure })
}
