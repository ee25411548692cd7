import type { NodeStatus } from '../protocol/index.ts'

/** Names that every node answers to; a label of the same name cannot pretend to be one. */
const PSEUDO_LABELS = ['arch', 'os', 'name', 'node', 'gateway'] as const

/** Engines, Node and uname each have a name for the same processor. */
const ARCH_ALIASES: Record<string, string> = { x64: 'amd64', x86_64: 'amd64', aarch64: 'arm64' }

function canonicalArch(arch: string): string {
	return Object.hasOwn(ARCH_ALIASES, arch) ? (ARCH_ALIASES[arch] ?? arch) : arch
}

/** One `label = value` as a single string; with its length in front no other pair can look the same. */
export function term(label: string, value: string): string {
	return `${label.length}:${label}=${label === 'arch' ? canonicalArch(value) : value}`
}

/** Every term a node satisfies. `node` matches the name as well as the peer id. */
export function termsOf(status: NodeStatus): string[] {
	const terms = [
		term('arch', status.arch),
		term('os', status.os),
		term('name', status.name),
		term('node', status.peerId),
		term('gateway', String(status.gateway)),
	]
	if (status.name !== status.peerId) terms.push(term('node', status.name))
	for (const [label, value] of Object.entries(status.labels)) {
		if (!PSEUDO_LABELS.some((name) => name === label)) terms.push(term(label, value))
	}
	return terms
}

/** What a node has under a constraint's name, for the sentence of a rejection; null when it has nothing. */
export function labelValue(status: NodeStatus, label: string): string | null {
	switch (label) {
		case 'arch':
			return canonicalArch(status.arch)
		case 'os':
			return status.os
		case 'name':
		case 'node':
			return status.name
		case 'gateway':
			return String(status.gateway)
		default:
			return Object.hasOwn(status.labels, label) ? (status.labels[label] ?? null) : null
	}
}

/** One spelling for an image: Docker lists `postgres:17` for what people also write `docker.io/library/postgres:17`. */
export function canonicalImage(image: string): string {
	const short = image.replace(/^(docker\.io|index\.docker\.io)\//, '').replace(/^library\//, '')
	return /@|:[^/]*$/.test(short) ? short : `${short}:latest`
}
