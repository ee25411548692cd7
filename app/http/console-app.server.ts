import { type Context, Hono } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import { serveStatic } from 'hono/serve-static'
import { LatticeError, LIMITS } from '../../agent/protocol/index.ts'
import type { Services } from '../services/services.ts'
import { clientOf } from './client-address.server.ts'
import type { ConsoleEnv } from './console-env.ts'
import type { Metrics } from './metrics.server.ts'
import type { Pages } from './pages.server.ts'
import { missingParts, type ReadinessModules } from './readiness.server.ts'
import { requireSameOrigin, securityHeaders } from './security.server.ts'
import { statusOf, TRPC_PATH, tooLarge, trpcHandler, trpcRefusal } from './trpc.server.ts'

export interface ConsoleAppOptions {
	trustProxy: boolean
	publicUrl: URL | null
	cookieSecrets: string[]
	latticeId: string
}

export interface ConsoleAppModules {
	services: Services
	readiness: ReadinessModules
	metrics: Metrics
	pages: Pages
	log: { error(facts: object, message: string): void }
}

/** Everything that the console answers over HTTP, outermost first. */
export function createConsoleApp(options: ConsoleAppOptions, modules: ConsoleAppModules): Hono<ConsoleEnv> {
	const { services, readiness, metrics, pages, log } = modules
	const app = new Hono<ConsoleEnv>()
	const trpc = trpcHandler({ services, metrics, log })

	app.use(measured(metrics))
	app.use(securityHeaders({ https: options.publicUrl?.protocol === 'https:' }))
	app.get('/healthz', (c) => c.json({ ok: true }))
	app.get('/readyz', async (c) => {
		const missing = await missingParts(readiness)
		return c.json({ ok: missing.length === 0, missing }, missing.length === 0 ? 200 : 503)
	})
	app.get('/metrics', async (c) =>
		c.text(await metrics.registry.metrics(), 200, { 'Content-Type': metrics.registry.contentType }),
	)

	app.use(bodyLimit({ maxSize: LIMITS.bodyBytes, onError: () => Promise.reject(tooLarge()) }))
	app.use(requireSameOrigin(options))
	app.all(`${TRPC_PATH}/*`, (c) => trpc(c.req.raw, clientOf(c.env.incoming, options)))
	app.all('/api/*', () => {
		throw new LatticeError('NOT_FOUND', 'There is nothing at this path. The API is at /api/trpc (docs/api.md).')
	})

	// Vite names these by their content, so they never change.
	app.use(
		'/assets/*',
		fileOf(pages, (c) => cacheFor(c, 31_536_000, 'immutable')),
	)
	// A tab older than this build asks for files of its own build: not there, rather than a login page in their place.
	app.all('/assets/*', () => {
		throw new LatticeError('NOT_FOUND', 'This file is not part of this build. Load the page again.')
	})
	app.use(fileOf(pages, (c) => cacheFor(c, 3600, 'must-revalidate')))
	app.all('*', (c) =>
		pages.handle(c.req.raw, {
			services,
			client: clientOf(c.env.incoming, options),
			cookieSecrets: options.cookieSecrets,
			latticeId: options.latticeId,
			nonce: c.get('nonce'),
		}),
	)

	app.onError((thrown, c) => {
		const error = LatticeError.from(thrown)
		metrics.countError(error.code)
		if (error.code === 'INTERNAL') log.error({ path: c.req.path, err: error.cause }, 'a request failed')
		// The rest of a body that is too large is not read, so the connection cannot serve another request.
		if (error.code === 'PAYLOAD_TOO_LARGE') c.header('Connection', 'close')
		if (c.req.path.startsWith(`${TRPC_PATH}/`)) return trpcRefusal(c, error, c.req.path.slice(TRPC_PATH.length + 1))
		return c.json({ error: error.toJSON() }, statusOf(error))
	})
	return app
}

function fileOf({ files }: Pages, onFound: (c: Context) => void) {
	const getContent = async (path: string) => files.get(path) ?? null
	return serveStatic<ConsoleEnv>({ root: '', getContent, onFound: (_path, c) => onFound(c) })
}

function measured(metrics: Metrics) {
	return async (c: Context<ConsoleEnv>, next: () => Promise<void>) => {
		const start = performance.now()
		await next()
		metrics.observeRequest(kindOf(c.req.path), c.req.method, c.res.status, (performance.now() - start) / 1000)
	}
}

/** Few values: an attacker's paths must not become labels. */
function kindOf(path: string): string {
	if (path.startsWith(TRPC_PATH)) return 'trpc'
	if (path.startsWith('/assets/')) return 'asset'
	return path === '/healthz' || path === '/readyz' || path === '/metrics' ? 'probe' : 'page'
}

function cacheFor(c: Context, seconds: number, more: string): void {
	c.header('Cache-Control', `public, max-age=${seconds}, ${more}`)
}
