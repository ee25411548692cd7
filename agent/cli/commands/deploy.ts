import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { type Command, Option } from 'commander'
import { LatticeError, parseInput, type Workload, WorkloadName } from '../../protocol/index.ts'
import { TEMPLATES } from '../../templates/catalogue.ts'
import type { Cli, Register } from '../cli.ts'
import type { Target } from '../client/connect.ts'
import type { Lattice } from '../client/lattice.ts'
import { splitCommand } from '../command-line.ts'
import { type ConfigFlags, configFrom } from '../deploy-config.ts'
import { containerPort, cpus, keyValue, memoryMiB, positiveInteger, repeated, volume } from '../options.ts'
import { ProgressRenderer, silentProgress } from '../progress.ts'
import { settled } from '../settle.ts'
import { explanationLines, workloadDetail } from '../show.ts'
import { clientCommand, withLattice } from './client-command.ts'

interface DeployOptions extends Target, ConfigFlags {
	type: string
	config?: string
	commandId?: string
	detach: boolean
	dryRun: boolean
}

export const registerDeploy: Register = (program, open) => {
	clientCommand(program, 'deploy', 'run a container, a database or a store on the node that suits it best')
		.argument('<name>', 'yours alone: lower-case letters, digits and dashes')
		.addOption(new Option('--type <type>', 'what it is').choices(TEMPLATES.map(({ type }) => type)).default('custom'))
		.option('--image <image>', 'image of a custom workload')
		.option('--command <words>', 'what to run in it instead of its own command', splitCommand)
		.option('--env <k=v>', 'an environment variable; repeatable', keyValue)
		.option('--port <port/protocol>', 'a port it listens on, 8080/http or 5000/tcp; repeatable', containerPort)
		.option('--volume <name:/path>', 'data that outlives the container; repeatable', volume)
		.option('--memory <MiB>', 'its memory limit', memoryMiB)
		.option('--cpus <n>', 'its share of cores', cpus)
		.option('--node <name>', 'on this node and no other')
		.option('--constraint <k=v>', 'only on nodes with this label; repeatable', keyValue)
		.option('--replicas <n>', 'how many of it', positiveInteger)
		.option('--expose <way>', 'gateway, lan or ngrok; repeatable (default: gateway)', repeated)
		.option('--domain <name>', 'a domain that leads to a gateway, for its first HTTP port; repeatable', repeated)
		.option('--config <file>', 'its whole configuration as JSON ("-" reads stdin); the options above win')
		.option('--command-id <id>', 'repeating an order with the same id is the same order')
		.option('--detach', 'do not wait until it runs', false)
		.option('--dry-run', 'only show where it would run, and why', false)
		.action((name: string, options: DeployOptions, command: Command) => deploy(name, options, open(command)))
}

async function deploy(name: string, options: DeployOptions, cli: Cli): Promise<void> {
	const order = {
		name: parseInput(WorkloadName, name, ['NAME']),
		type: options.type,
		config: configFrom(options, options.config === undefined ? {} : readJson(options.config)),
		commandId: options.commandId ?? randomUUID(),
	}
	await withLattice(cli, options, async (lattice, signal) => {
		if (options.dryRun) {
			const explanation = await lattice.dryRun({ type: order.type, config: order.config })
			const failure = explanation.chosen.length === 0 ? noNodeFits(explanation.rejected) : null
			cli.answer(explanation, () => explanationLines(explanation).forEach(cli.terminal.out), failure)
			return
		}
		const accepted = await lattice.deploy(order)
		const workload = options.detach ? accepted : await follow(lattice, accepted.id, order.commandId, cli, signal)
		if (!workload) throw new LatticeError('NOT_FOUND', `${name} was deleted while it was being deployed.`)
		const failure = workload.status === 'failed' ? failureOf(name, workload) : null
		cli.answer(workload, () => workloadDetail(workload).forEach(cli.terminal.out), failure)
	})
}

async function follow(lattice: Lattice, id: string, commandId: string, cli: Cli, signal: AbortSignal) {
	const progress = cli.json ? silentProgress : new ProgressRenderer(cli.terminal)
	try {
		return await settled(lattice, id, { commandId, goal: 'running', signal, onEvent: (event) => progress.show(event) })
	} finally {
		progress.end()
	}
}

function readJson(path: string): unknown {
	try {
		return JSON.parse(readFileSync(path === '-' ? 0 : path, 'utf8'))
	} catch (cause) {
		const why = cause instanceof Error ? cause.message : String(cause)
		throw new LatticeError('INVALID_INPUT', `--config: ${path} cannot be read as JSON (${why}).`, { path }, { cause })
	}
}

function failureOf(name: string, workload: Workload): LatticeError {
	// its record stays, so that the reason can be read again: whoever cleans up needs to know which it is
	const about = { workloadId: workload.id }
	const { error, statusReason } = workload
	if (error) return LatticeError.fromWire({ ...error, facts: { ...error.facts, ...about } })
	return new LatticeError('INTERNAL', `${name} failed${statusReason ? `: ${statusReason}` : ''}.`, about)
}

function noNodeFits(rejected: { node: { name: string }; reason: string }[]): LatticeError {
	return new LatticeError('NO_NODE_FITS', 'No node can run this now; ask for less, or add a node.', {
		rejected: rejected.map(({ node, reason }) => ({ node: node.name, reason })),
	})
}
