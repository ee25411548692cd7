import { existsSync } from 'node:fs'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import { createRequestHandler, type ServerBuild } from '@remix-run/server-runtime'
import type { ConsoleContext } from '../services/services.ts'

const BUILD = path.join(import.meta.dirname, '../../build')
export const CLIENT_FILES = path.join(BUILD, 'client')

export type PageHandler = (request: Request, context: ConsoleContext & { nonce: string }) => Promise<Response>

const UNBUILT = `<!doctype html><html lang="en"><meta charset="utf-8"><title>Lattice</title>
<h1>The pages of this console are not built yet</h1>
<p>Run <code>npm run build</code> in the project's folder, then start the console again. The API works already.</p>`

/** Remix's own handler over the built pages; without a build a page that says what to do. */
export async function pageHandler(): Promise<PageHandler> {
	const file = path.join(BUILD, 'server/index.js')
	if (!existsSync(file)) return async () => unbuilt()
	const build: ServerBuild = await import(pathToFileURL(file).href)
	const handle = createRequestHandler(build, 'production')
	return (request, context) => handle(request, { ...context })
}

function unbuilt(): Response {
	return new Response(UNBUILT, { status: 503, headers: { 'Content-Type': 'text/html; charset=utf-8' } })
}
