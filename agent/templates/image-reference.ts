import { z } from 'zod'

/**
 * The grammar of image references as the engine's own parser has it
 * (https://github.com/distribution/reference/blob/main/regexp.go), so that a typing error is named before any node
 * is asked. Input is cut at 512 characters first: no pattern here runs on more.
 */
const MAX_LENGTH = 512
const DOMAIN_LABEL = '[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?'
const DOMAIN = new RegExp(`^(?:${DOMAIN_LABEL}(?:\\.${DOMAIN_LABEL})*|\\[[a-fA-F0-9:]+\\])(?::[0-9]+)?$`)
const PATH_COMPONENT = /^[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*$/
const TAG = /^\w[\w.-]{0,127}$/
const DIGEST = /^[a-z0-9]+(?:[.+_-][a-z0-9]+)*:[a-fA-F0-9]{32,}$/

export interface ImageReference {
	domain: string
	path: string
	tag: string | null
	digest: string | null
}

/** The first component is a registry only when it looks like a host: `grafana/loki` is on Docker Hub. */
function isRegistry(component: string): boolean {
	return /[.:A-Z]/.test(component) || component === 'localhost'
}

/** The parts of a reference, `docker.io/library` filled in as the engine does; null when it is not one. */
export function parseImageReference(text: string): ImageReference | null {
	if (text.length > MAX_LENGTH) return null
	const at = text.indexOf('@')
	const digest = at < 0 ? null : text.slice(at + 1)
	let name = at < 0 ? text : text.slice(0, at)
	const colon = name.lastIndexOf(':')
	let tag: string | null = null
	if (colon > name.lastIndexOf('/')) {
		tag = name.slice(colon + 1)
		name = name.slice(0, colon)
	}
	const slash = name.indexOf('/')
	const first = slash < 0 ? '' : name.slice(0, slash)
	const hasDomain = isRegistry(first)
	const domain = !hasDomain || first === 'index.docker.io' ? 'docker.io' : first
	let path = hasDomain ? name.slice(slash + 1) : name
	if (domain === 'docker.io' && !path.includes('/')) path = `library/${path}`
	const valid =
		DOMAIN.test(domain) &&
		path.split('/').every((component) => PATH_COMPONENT.test(component)) &&
		domain.length + path.length < 255 &&
		(tag === null || TAG.test(tag)) &&
		(digest === null || DIGEST.test(digest)) &&
		// 64 hex digits alone are an image id to the engine, never a name
		!/^[a-f0-9]{64}$/.test(text)
	return valid ? { domain, path, tag, digest } : null
}

/**
 * The one spelling under which an engine lists an image (`nginx` → `nginx:latest`), so that the scheduler can match
 * it against the images of a node, and so that a pull never asks for every tag of a repository.
 */
export function familiarImage(image: string): string {
	const reference = parseImageReference(image)
	if (reference === null) return image
	const { domain, path, digest } = reference
	const short = path.replace(/^library\/(?=[^/]*$)/, '')
	const needsDomain = domain !== 'docker.io' || (short.includes('/') && isRegistry(short.split('/')[0] ?? ''))
	const name = needsDomain ? `${domain}/${path}` : short
	const tag = reference.tag ?? (digest === null ? 'latest' : null)
	return `${name}${tag === null ? '' : `:${tag}`}${digest === null ? '' : `@${digest}`}`
}

export const Image = z
	.string()
	.max(MAX_LENGTH, 'an image reference has at most 512 characters')
	.refine((text) => parseImageReference(text) !== null, {
		error: 'is not an image reference; write it like nginx:1.27, ghcr.io/owner/name:tag or name@sha256:…',
	})

/** A version option that becomes the tag of a template's own repository. */
export const ImageTag = z.string().regex(TAG, 'is not an image tag: letters, digits, dots, dashes, at most 128')
