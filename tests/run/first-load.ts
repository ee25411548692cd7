import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { gzipSync } from 'node:zlib'

/** What a browser loads before a page can be used, of script, compressed (issue 6). */
const LIMIT_BYTES = 130_000
const CLIENT = path.join(import.meta.dirname, '../../build/client')

interface Chunk {
	module: string
	imports?: string[]
}
interface Manifest {
	entry: Chunk
	routes: Record<string, Chunk & { id: string; parentId?: string }>
}

const [file] = readdirSync(path.join(CLIENT, 'assets')).filter((name) => /^manifest-.*\.js$/.test(name))
if (file === undefined) throw new Error('There is no build to weigh; run "npm run build" first.')
const text = readFileSync(path.join(CLIENT, 'assets', file), 'utf8')
const manifest: Manifest = JSON.parse(text.slice(text.indexOf('{'), text.lastIndexOf('}') + 1))

const sizes = new Map<string, number>()
function sizeOf(url: string): number {
	const known = sizes.get(url) ?? gzipSync(readFileSync(path.join(CLIENT, url))).length
	sizes.set(url, known)
	return known
}

/** A route comes with all that it lies in, and each with what it imports at once; what it loads later does not count. */
function firstLoadOf(id: string): number {
	const urls = new Set([`/assets/${file}`])
	const add = ({ module, imports = [] }: Chunk) => {
		for (const url of [module, ...imports]) urls.add(url)
	}
	add(manifest.entry)
	for (let at: string | undefined = id; at !== undefined; at = manifest.routes[at]?.parentId) {
		const route = manifest.routes[at]
		if (route) add(route)
	}
	return [...urls].reduce((sum, url) => sum + sizeOf(url), 0)
}

const loads = Object.keys(manifest.routes)
	.map((id) => ({ id, bytes: firstLoadOf(id) }))
	.sort((a, b) => b.bytes - a.bytes)
for (const { id, bytes } of loads.slice(0, 5)) console.info(`${(bytes / 1000).toFixed(1)} kB  ${id}`)
const over = loads.filter(({ bytes }) => bytes > LIMIT_BYTES)
if (over.length > 0) {
	console.error(`over ${LIMIT_BYTES / 1000} kB of script at first load: ${over.map(({ id }) => id).join(', ')}`)
	process.exitCode = 1
}
