import { LatticeError } from '../../protocol/index.ts'
import type { Cli, Register } from '../cli.ts'
import { ownDevice } from '../client/device.ts'
import { readyLine } from '../connect/ready-line.ts'
import type { Forwarding } from '../connect/session.ts'
import { plain } from '../format.ts'
import { port } from '../options.ts'

interface ConnectOptions {
	all: boolean
	local?: number
	port?: number
}

export const registerConnect: Register = (program, open) => {
	program
		.command('connect')
		.description('a local port that leads to a workload, wherever it runs, until Ctrl-C')
		.argument('[name]', 'name or id')
		.option('--all', 'every workload of your own', false)
		.option('--local <port>', 'the local port (default: that of the container, or the next free one)', port)
		.option('--port <port>', 'which port of the container, when it has several', port)
		.action((name: string | undefined, options: ConnectOptions, command) => connect(name, options, open(command)))
}

async function connect(name: string | undefined, { all, ...options }: ConnectOptions, cli: Cli): Promise<void> {
	if (all === (name !== undefined)) throw new LatticeError('INVALID_INPUT', 'Name one workload, or give --all.')
	if (all && (options.local ?? options.port) !== undefined) {
		throw new LatticeError('INVALID_INPUT', '--local and --port are for one workload; name it instead of --all.')
	}
	const ending = new AbortController()
	const end = () => ending.abort(new LatticeError('CANCELLED', 'Cancelled.'))
	for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, end)
	const { device, seed } = await ownDevice(cli.home)
	// libp2p takes half a second to load; the mistakes above need not wait for it.
	const [{ openMeshEntry }, { ConnectSession, pathText }] = await Promise.all([
		import('../client/mesh-entry.ts'),
		import('../connect/session.ts'),
	])
	const mesh = await openMeshEntry(device, seed)
	const session = new ConnectSession({ mesh, notice: (line) => cli.terminal.notice(plain(line)) })
	try {
		const forwardings = await session.open({ name: name ?? null, ...options }, ending.signal)
		for (const forwarding of forwardings) print(forwarding, cli, pathText)
		if (!ending.signal.aborted) await new Promise((resolve) => ending.signal.addEventListener('abort', resolve))
	} catch (thrown) {
		if (!ending.signal.aborted) throw thrown
	} finally {
		session.close()
		await mesh.peer.stop()
	}
}

/** With --json one JSON object a line, as it goes on. */
function print(
	{ report, container, local, found, failure, credentials }: Forwarding,
	{ json, terminal }: Cli,
	pathText: (path: NonNullable<Forwarding['found']>['path'], node: string) => string,
): void {
	const address = `127.0.0.1:${local}`
	const command = readyLine(credentials, local)
	if (json) {
		const { id, name } = report
		const where = { node: found?.node ?? null, path: found?.path ?? null, error: failure?.toJSON() ?? null }
		terminal.out(JSON.stringify({ name, id, local: address, container, ...where, command }))
		return
	}
	const leads = found ? pathText(found.path, found.node) : `(${failure?.message})`
	terminal.out(`${report.name}  ${address}  → ${container} on ${leads}`)
	if (command) terminal.out(`    ${command}`)
}
