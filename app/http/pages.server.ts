import { existsSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import { createRequestHandler, type ServerBuild } from '@remix-run/server-runtime'
import type { ConsoleContext } from '../services/services.ts'

const BUILD = path.join(import.meta.dirname, '../../build')

export interface Pages {
	handle(request: Request, context: ConsoleContext & { nonce: string }): Promise<Response>
	/** what browsers load, by its path in a URL */
	files: ReadonlyMap<string, Uint8Array<ArrayBuffer>>
}

const UNBUILT = `<!doctype html><html lang="en"><meta charset="utf-8"><title>Lattice</title>
<h1>The pages of this console are not built yet</h1>
<p>Run <code>npm run build</code> in the project's folder, then start the console again. The API works already.</p>`

/** Remix's own handler over the built pages; without a build a page that says what to do. */
export async function loadPages(): Promise<Pages> {
	const file = path.join(BUILD, 'server/index.js')
	if (!existsSync(file)) return { handle: async () => unbuilt(), files: new Map() }
	const [build, files] = await Promise.all([
		import(pathToFileURL(file).href) as Promise<ServerBuild>,
		readAll(path.join(BUILD, 'client')),
	])
	const handle = createRequestHandler(build, 'production')
	return { handle: (request, context) => handle(request, { ...context }), files }
}

/** Held in memory (half a megabyte): a build in this folder empties it, and must not take the scripts of open pages. */
async function readAll(folder: string): Promise<Map<string, Uint8Array<ArrayBuffer>>> {
	const entries = await readdir(folder, { recursive: true, withFileTypes: true })
	const files = entries.filter((entry) => entry.isFile()).map((entry) => path.join(entry.parentPath, entry.name))
	const read = async (file: string) =>
		[`/${path.relative(folder, file).replaceAll(path.sep, '/')}`, new Uint8Array(await readFile(file))] as const
	return new Map(await Promise.all(files.map(read)))
}

function unbuilt(): Response {
	return new Response(UNBUILT, { status: 503, headers: { 'Content-Type': 'text/html; charset=utf-8' } })
}
