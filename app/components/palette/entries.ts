import type { Node, Workload } from '../../../agent/protocol/index.ts'

export interface Entry {
	to: string
	label: string
	/** what it is: Page, Workload, Node */
	kind: string
	/** words it is also found by */
	words: string
}

/** No page: the list of keys opens over the one that is there. */
export const KEYBOARD_HELP = '#keyboard'

const PAGES: readonly Entry[] = [
	{ to: '/', label: 'Overview', kind: 'Page', words: 'home workloads list' },
	{ to: '/deploy', label: 'Deploy a service', kind: 'Page', words: 'new create add' },
	{ to: '/nodes', label: 'Nodes', kind: 'Page', words: 'machines hosts' },
	{ to: '/nodes/join', label: 'Join a machine', kind: 'Page', words: 'invite add node' },
	{ to: '/settings', label: 'Settings', kind: 'Page', words: 'sessions devices thresholds keys rotate' },
	{ to: KEYBOARD_HELP, label: 'Keyboard shortcuts', kind: 'Help', words: 'keys hotkeys ?' },
]

export interface Service {
	type: string
	title: string
}

export function entriesOf(workloads: Iterable<Workload>, nodes: Iterable<Node>, services: readonly Service[]): Entry[] {
	const found: Entry[] = [...PAGES]
	for (const { id, name, type, status, node } of workloads) {
		const words = `${type} ${status} ${node?.name ?? ''} ${id}`
		found.push({ to: `/workloads/${id}`, label: name, kind: 'Workload', words })
		found.push({
			to: `/workloads/${id}/terminal`,
			label: `Terminal in ${name}`,
			kind: 'Terminal',
			words: `shell exec ${words}`,
		})
	}
	for (const { peerId, name, labels } of nodes) {
		found.push({
			to: `/nodes/${peerId}`,
			label: name,
			kind: 'Node',
			words: `${peerId} ${Object.values(labels).join(' ')}`,
		})
	}
	for (const { type, title } of services)
		found.push({ to: `/deploy/${type}`, label: `Deploy ${title}`, kind: 'Service', words: `new ${type}` })
	return found
}

/** Every word must be there; a label that begins with what was typed comes first, then one that has it, then the rest. */
export function search(entries: readonly Entry[], text: string, most: number): Entry[] {
	const typed = text.trim().toLowerCase()
	if (typed === '') return entries.slice(0, most)
	const words = typed.split(/\s+/)
	const ranked = entries.flatMap((entry) => {
		const label = entry.label.toLowerCase()
		const all = `${label} ${entry.kind} ${entry.words}`.toLowerCase()
		if (!words.every((word) => all.includes(word))) return []
		const rank = label.startsWith(typed) ? 0 : label.includes(typed) ? 1 : 2
		return [{ entry, rank }]
	})
	return ranked
		.sort((a, b) => a.rank - b.rank || a.entry.label.length - b.entry.label.length)
		.slice(0, most)
		.map(({ entry }) => entry)
}
