import type { Register } from '../cli.ts'
import { clientCommand, withLattice } from './client-command.ts'

export const registerRotateSecrets: Register = (program, open) => {
	clientCommand(program, 'rotate-secrets', 'new signing keys for the lattice; nobody is logged out').action(
		(options, command) => {
			const cli = open(command)
			return withLattice(cli, options, async (lattice) => {
				const rotated = await lattice.rotateSecrets()
				cli.answer(rotated, () =>
					cli.terminal.out(
						`new issuing key ${rotated.issuer}, and a new cookie secret; they sign from ${rotated.signsFrom}`,
					),
				)
			})
		},
	)
}
