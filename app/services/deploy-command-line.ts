import type { WorkloadRecord } from '../models/workload.server.ts'

const MASK = '••••••'

/** Values of env are the owner's: they often are secrets. */
export function maskedConfig(config: unknown): unknown {
	if (typeof config !== 'object' || config === null || !('env' in config)) return config
	const { env } = config
	if (typeof env !== 'object' || env === null) return config
	return { ...config, env: Object.fromEntries(Object.keys(env).map((name) => [name, MASK])) }
}

/** The order as one types it. Values of env are left to fill in: a command line ends up in a shell's history. */
export function deployCommandLine(record: Pick<WorkloadRecord, 'name' | 'type' | 'config'>): string {
	const config = objectOf(record.config)
	const words = ['./lattice', 'deploy', record.name, '--type', record.type]
	const add = (flag: string, value: unknown) => {
		if (typeof value === 'string' || typeof value === 'number') words.push(flag, quoted(String(value)))
	}
	add('--image', config.image)
	if (Array.isArray(config.command)) add('--command', config.command.map((word) => quoted(String(word))).join(' '))
	for (const name of Object.keys(objectOf(config.env))) words.push('--env', `${name}=…`)
	for (const port of Array.isArray(config.ports) ? config.ports : []) {
		const { container, protocol } = objectOf(port)
		add('--port', `${String(container)}/${String(protocol)}`)
	}
	const resources = objectOf(config.resources)
	add('--memory', resources.memoryMiB)
	add('--cpus', resources.cpus)
	add('--node', config.node)
	for (const [label, value] of Object.entries(objectOf(config.constraints)))
		add('--constraint', `${label}=${String(value)}`)
	if (config.replicas !== 1) add('--replicas', config.replicas)
	return words.join(' ')
}

function quoted(word: string): string {
	return /^[A-Za-z0-9_@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`
}

function objectOf(value: unknown): Record<string, unknown> {
	return typeof value === 'object' && value !== null ? { ...value } : {}
}
