import { LatticeError } from '../protocol/index.ts'
import type { ObservedContainer } from './runtime.ts'

/** Exit codes as shells, Docker and its init use them (https://docs.docker.com/engine/containers/run/#exit-status). */
const NOT_EXECUTABLE = 126
const NOT_FOUND = 127

/**
 * Why a container is not running, for people. With the engine's init a missing program shows only here: the init
 * starts well, and exits with 127 when the program does not.
 */
export function exitReason(container: ObservedContainer): LatticeError | null {
	const { state, exitCode, oomKilled, image, error } = container
	if (state !== 'exited' && state !== 'restarting' && state !== 'dead') return null
	const facts = { exitCode, oomKilled, image }
	if (oomKilled) {
		return new LatticeError(
			'CONTAINER_EXITED',
			'The container ran out of its memory; give it more (resources.memoryMiB).',
			facts,
		)
	}
	if (exitCode === NOT_FOUND || exitCode === NOT_EXECUTABLE) {
		const what = exitCode === NOT_FOUND ? 'does not exist in it' : 'may not be executed there'
		return new LatticeError(
			'IMAGE_UNSUITABLE',
			`The program that the image ${image} should start ${what}; check the command, and that the image is made for this node's architecture.`,
			facts,
		)
	}
	const detail = error === null ? '' : ` (${error})`
	return new LatticeError(
		'CONTAINER_EXITED',
		`The container exited with code ${exitCode}${detail}; its logs say why.`,
		facts,
	)
}
