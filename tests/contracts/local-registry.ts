import { createHash, randomBytes } from 'node:crypto'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { gzipSync } from 'node:zlib'

/**
 * A registry on loopback (engines speak plain HTTP to 127.0.0.0/8): enough of
 * https://distribution.github.io/distribution/spec/api/ for a pull, and slow enough to be seen.
 */
export interface LocalRegistry {
	/** host:port */
	address: string
	close(): Promise<void>
}

export interface RegistryImage {
	/** tar archives, the lowest first; the engine downloads those that it does not have */
	layers: Buffer[]
	command: string[]
}

const MEDIA = 'application/vnd.docker'
/** A piece each 15 ms: a layer of 2 MiB takes about half a second. */
const PIECE_BYTES = 64 * 1024
const PIECE_MS = 15

const digestOf = (data: Buffer) => `sha256:${createHash('sha256').update(data).digest('hex')}`

/** One file as a ustar archive. */
export function tar(name: string, content: Buffer, mode: '0644' | '0755' = '0644'): Buffer {
	const header = Buffer.alloc(512)
	header.write(name, 0)
	header.write(`000${mode}\0`, 100)
	header.write('0000000\0', 108)
	header.write('0000000\0', 116)
	header.write(`${content.length.toString(8).padStart(11, '0')}\0`, 124)
	header.write('00000000000\0', 136)
	header.write('        0', 148)
	header.write('ustar\x0000', 257)
	const sum = header.reduce((total, byte) => total + byte, 0)
	header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148)
	const padding = Buffer.alloc((512 - (content.length % 512)) % 512)
	return Buffer.concat([header, content, padding, Buffer.alloc(1024)])
}

async function sendSlowly(response: ServerResponse, blob: Buffer): Promise<void> {
	response.writeHead(200, { 'content-length': blob.length })
	for (let at = 0; at < blob.length && !response.destroyed; at += PIECE_BYTES) {
		response.write(blob.subarray(at, at + PIECE_BYTES))
		await delay(PIECE_MS)
	}
	response.end()
}

/** `team/app:1`, of three random layers: nothing compresses, and no engine has them already. */
function teamApp(): (name: string) => RegistryImage | null {
	const layers = ['one', 'two', 'three'].map((name) => tar(name, randomBytes(2 * 1024 * 1024)))
	return (name) => (name === 'team/app:1' ? { layers, command: ['/one'] } : null)
}

interface Stored {
	manifest: Buffer
	blobs: Buffer[]
}

function stored({ layers, command }: RegistryImage): Stored {
	const packed = layers.map((layer) => gzipSync(layer))
	const config = Buffer.from(
		JSON.stringify({
			architecture: { x64: 'amd64' }[process.arch as string] ?? process.arch,
			os: 'linux',
			config: { Cmd: command },
			rootfs: { type: 'layers', diff_ids: layers.map(digestOf) },
		}),
	)
	const manifest = Buffer.from(
		JSON.stringify({
			schemaVersion: 2,
			mediaType: `${MEDIA}.distribution.manifest.v2+json`,
			config: { mediaType: `${MEDIA}.container.image.v1+json`, size: config.length, digest: digestOf(config) },
			layers: packed.map((layer) => ({
				mediaType: `${MEDIA}.image.rootfs.diff.tar.gzip`,
				size: layer.length,
				digest: digestOf(layer),
			})),
		}),
	)
	return { manifest, blobs: [config, ...packed] }
}

/** `imageOf` is asked once for each `repository:tag`. */
export async function startLocalRegistry(imageOf = teamApp()): Promise<LocalRegistry> {
	const blobs = new Map<string, Buffer>()
	const manifests = new Map<string, Buffer>()

	function manifestOf(repository: string, reference: string): Buffer | null {
		const held = manifests.get(`${repository}:${reference}`)
		if (held) return held
		const image = imageOf(`${repository}:${reference}`)
		if (image === null) return null
		const { manifest, blobs: parts } = stored(image)
		for (const part of parts) blobs.set(digestOf(part), part)
		for (const name of [reference, digestOf(manifest)]) manifests.set(`${repository}:${name}`, manifest)
		return manifest
	}

	const server = createServer((request, response) => {
		const url = request.url ?? ''
		const [, repository = '', kind = '', reference = ''] = /^\/v2\/(.+)\/(manifests|blobs)\/([^/]+)$/.exec(url) ?? []
		const manifest = kind === 'manifests' ? manifestOf(repository, reference) : null
		const blob = kind === 'blobs' ? blobs.get(reference) : undefined
		if (url === '/v2/') response.end('{}')
		else if (manifest !== null) {
			response.setHeader('content-type', `${MEDIA}.distribution.manifest.v2+json`)
			response.setHeader('docker-content-digest', digestOf(manifest))
			response.setHeader('content-length', manifest.length)
			response.end(request.method === 'HEAD' ? undefined : manifest)
		} else if (blob !== undefined) void sendSlowly(response, blob)
		else {
			response.writeHead(404, { 'content-type': 'application/json' })
			response.end(JSON.stringify({ errors: [{ code: 'MANIFEST_UNKNOWN', message: 'manifest unknown' }] }))
		}
	})
	await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
	return {
		address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
		close: () =>
			new Promise((resolve) => {
				server.close(() => resolve())
				server.closeAllConnections()
			}),
	}
}
