import { z } from 'zod'
import type { Home } from './home.ts'
import { readJsonFile, writePrivateJson } from './private-file.ts'

/** HOME/urls.json: where console and agent of this home served last, so that nobody types what this machine knows. */
const ServedUrls = z.object({ console: z.string().optional(), agent: z.string().optional() })
export type ServedUrls = z.infer<typeof ServedUrls>

export function servedUrls(home: Home): ServedUrls {
	return readJsonFile(home.file('urls.json'), ServedUrls) ?? {}
}

export function rememberUrl(home: Home, name: keyof ServedUrls, url: string): void {
	const urls = servedUrls(home)
	if (urls[name] !== url) writePrivateJson(home.file('urls.json'), { ...urls, [name]: url })
}

/** What another machine opens for a URL that names every address of this one; null: it names one, or there is no other. */
export function fromElsewhere(url: string, own: string | null): string | null {
	const { hostname, protocol, port } = new URL(url)
	return own !== null && ['0.0.0.0', '[::]'].includes(hostname) ? `${protocol}//${own}:${port}` : null
}
