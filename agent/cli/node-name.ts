import { hostname } from 'node:os'
import { NodeName } from '../protocol/index.ts'

/** The machine's host name in the form a node name has. */
export function defaultNodeName(host: string = hostname()): string {
	const [label = ''] = host.toLowerCase().split('.')
	const name = label
		.replaceAll(/[^a-z0-9-]+/g, '-')
		.replaceAll(/^-+|-+$/g, '')
		.slice(0, 40)
		.replace(/-+$/, '')
	return NodeName.safeParse(name).success ? name : 'node'
}
