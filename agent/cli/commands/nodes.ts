import { LatticeError, type Node } from '../../protocol/index.ts'
import type { Register } from '../cli.ts'
import type { Target } from '../client/connect.ts'
import { nodeTable } from '../show.ts'
import { clientCommand, withLattice } from './client-command.ts'

interface RemoveOptions extends Target {
	yes: boolean
}

export const registerNodes: Register = (program, open) => {
	const nodes = clientCommand(program, 'nodes', 'the machines of the lattice').action((options: Target, command) => {
		const cli = open(command)
		return withLattice(cli, options, async (lattice) => {
			const all = await lattice.nodes()
			cli.answer(all, () => nodeTable(all, Date.now()).forEach(cli.terminal.out))
		})
	})

	clientCommand(nodes, 'remove', 'take a machine out of the lattice: nobody talks to it any more')
		.argument('<name>', 'name or peer id')
		.option('--yes', 'do not ask for the name again', false)
		.action((name: string, options: RemoveOptions, command) => {
			const cli = open(command)
			// The parent has these options, too, and takes them when they stand before "remove".
			const target = { ...nodes.opts<Target>(), ...options }
			return withLattice(cli, target, async (lattice) => {
				const node = pickNode(await lattice.nodes(), name)
				if (!options.yes) await confirm(node, cli.terminal)
				await lattice.removeNode(node.peerId)
				cli.answer({ peerId: node.peerId, name: node.name, removed: true }, () =>
					cli.terminal.out(`${node.name} is removed; what it ran is lost to the lattice`),
				)
			})
		})
}

function pickNode(nodes: Node[], nameOrId: string): Node {
	const found = nodes.filter(({ name, peerId }) => peerId === nameOrId || name === nameOrId)
	// A name is free again when its machine has left.
	const node = found.find(({ status }) => status !== 'left') ?? found[0]
	if (node) return node
	throw new LatticeError('NOT_FOUND', `There is no node "${nameOrId}"; "lattice nodes" shows them.`, { name: nameOrId })
}

async function confirm({ name }: Node, terminal: { interactive: boolean; ask(question: string): Promise<string> }) {
	if (!terminal.interactive) {
		throw new LatticeError('INVALID_INPUT', 'Removing asks for the name; without a terminal, give --yes.')
	}
	const typed = await terminal.ask(`The lattice gives up ${name} and all it runs. Type its name: `)
	if (typed.trim() !== name) throw new LatticeError('CANCELLED', `That is not its name; ${name} stays.`)
}
