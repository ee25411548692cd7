import { LatticeError } from '../protocol/index.ts'

/** The engine answered, and said no. Callers map the statuses they know; the rest becomes `refused`. */
export class EngineRefusal extends Error {
	override readonly name = 'EngineRefusal'
	readonly status: number
	/** the engine's own words, without query strings: registries sign their URLs */
	readonly reason: string

	constructor(status: number, reason: string) {
		const shown = withoutQueries(reason.trim())
		super(`engine answered ${status}: ${shown}`)
		this.status = status
		this.reason = shown
	}
}

export function withoutQueries(text: string): string {
	return text.replace(/(https?:\/\/[^\s"'?]+)\?[^\s"']*/g, '$1?…')
}

export function isRefusal(error: unknown, ...statuses: number[]): error is EngineRefusal {
	return error instanceof EngineRefusal && statuses.includes(error.status)
}

const NO_SPACE = /no space left on device|disk quota exceeded/i

export function diskFull(reason: string, cause?: unknown): LatticeError | null {
	if (!NO_SPACE.test(reason)) return null
	return new LatticeError(
		'DISK_FULL',
		"The disk that holds Docker's data is full; free space on the node (docker system prune) or choose another node.",
		{ reason },
		{ cause },
	)
}

/** A refusal nobody foresaw, with the engine's words; other errors pass unchanged. */
export function refused(error: unknown, attempt: string): unknown {
	if (!(error instanceof EngineRefusal)) return error
	const full = diskFull(error.reason, error)
	if (full !== null) return full
	if (error.status === 404) {
		return new LatticeError(
			'NOT_FOUND',
			`Cannot ${attempt}: ${error.reason}.`,
			{ reason: error.reason },
			{ cause: error },
		)
	}
	return new LatticeError(
		'INTERNAL',
		`The engine refused to ${attempt}: ${error.reason}.`,
		{ status: error.status, reason: error.reason },
		{ cause: error },
	)
}

/** A socket that did not answer, as what a person can do about it. */
export function engineUnavailable(address: string, cause: unknown): LatticeError {
	const code = errorCode(cause)
	const [what, remedy] = UNAVAILABLE[code] ?? [
		'stopped answering',
		'See that the engine runs (docker info), and its log (journalctl -u docker).',
	]
	return new LatticeError(
		'ENGINE_UNAVAILABLE',
		`The Docker engine at ${address} ${what}. ${remedy}`,
		{ address, reason: code },
		{ cause },
	)
}

const START = 'Start it (systemctl start docker), install Docker, or name its socket with --docker-host.'

const UNAVAILABLE: Record<string, [what: string, remedy: string]> = {
	ENOENT: ['is not there: the socket does not exist', START],
	ECONNREFUSED: ['is not running: nothing listens there', START],
	EACCES: [
		'may not be used by this user',
		'Add the user to the docker group (usermod -aG docker USER, then log in again), or run the agent as root.',
	],
	EPERM: ['may not be used by this user', 'Run the agent as a user that may open the socket.'],
	ENOTFOUND: ['has a name that does not resolve', 'Correct --docker-host.'],
	EAI_AGAIN: ['has a name that does not resolve now', 'Correct --docker-host, or see to the DNS of this machine.'],
	EHOSTUNREACH: ['is out of reach', 'Correct --docker-host, or see to the network.'],
	ENETUNREACH: ['is out of reach', 'Correct --docker-host, or see to the network.'],
	ETIMEDOUT: ['does not answer in time', 'See that the engine is not overloaded (docker info), or restart it.'],
}

function errorCode(error: unknown): string {
	if (error instanceof Error) {
		if (error.name === 'TimeoutError' || error.name === 'AbortError') return 'ETIMEDOUT'
		const { code } = error as NodeJS.ErrnoException
		if (typeof code === 'string') return code
	}
	return 'UNKNOWN'
}
