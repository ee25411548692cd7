import { LatticeError } from '../../protocol/index.ts'
import type { Register } from '../cli.ts'
import { isEnrolled, lockHome } from '../home.ts'

interface LeaveOptions {
	force: boolean
}

export const registerLeave: Register = (program, open) => {
	program
		.command('leave')
		.description('take this machine out of its lattice; its agent must be stopped')
		.option('--force', 'also when workloads are here, or when nobody hears of it', false)
		.action(async (options: LeaveOptions, command) => {
			const { home, terminal, ...cli } = open(command)
			if (!isEnrolled(home)) {
				throw new LatticeError('WRONG_STATE', `${home.path} has not joined a lattice, so there is none to leave.`)
			}
			// The running agent would go on as a member that has left.
			const lock = lockHome(home, 'leave')
			try {
				// libp2p takes half a second to load; only this way needs it.
				const { leaveLattice } = await import('../../leave.ts')
				const left = await leaveLattice(home.path, options)
				cli.answer(left, () => {
					terminal.out(`${left.name} has left the lattice`)
					if (left.abandoned.length > 0) {
						terminal.notice(`containers of ${left.abandoned.join(', ')} go on here, and nobody commands them any more`)
					}
				})
			} finally {
				lock.release()
			}
		})
}
