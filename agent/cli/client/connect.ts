import { LatticeError } from '../../protocol/index.ts'
import { readConfig } from '../config.ts'
import type { Home } from '../home.ts'
import { servedUrls } from '../served-urls.ts'
import { agentClient } from './agent-client.ts'
import { consoleClient } from './console-client.ts'
import { requestJson } from './http.ts'
import type { Lattice } from './lattice.ts'
import { fixedSession, type Session, storedSession } from './session.ts'

export interface Target {
	/** --console */
	console?: string
	/** --agent */
	agent?: string
}

/** Long enough for a busy console; a CLI that waits longer before it takes the other way feels broken. */
const PROBE_MS = 3_000

/**
 * The way to the lattice: an agent that was named, else the console, else, when that does not serve and this machine
 * has a device certificate, the mesh itself.
 */
export async function connectLattice(home: Home, target: Target, notice: (line: string) => void): Promise<Lattice> {
	const agent = target.agent ?? process.env.LATTICE_AGENT
	if (agent && !target.console) return agentClient(new URL(agent), sessionOf(home, null))

	const { login, device } = readConfig(home)
	const url = target.console ?? process.env.LATTICE_URL ?? login?.url ?? servedUrls(home).console
	if (!url) {
		throw new LatticeError(
			'UNAUTHENTICATED',
			'No console is known; run "lattice login --console URL --email EMAIL", or name an agent with --agent URL.',
		)
	}
	const origin = new URL(url)
	const down = await notServing(origin)
	if (!down) return consoleClient(origin, sessionOf(home, origin))
	if (!device) throw down
	notice(`the console at ${origin.origin} does not serve; going through the mesh`)
	// libp2p takes half a second to load; only this way needs it.
	const { meshClient } = await import('./mesh-client.ts')
	return meshClient(home, device)
}

/** A stored token goes to the console that gave it and to agents, never to another console. */
function sessionOf(home: Home, origin: URL | null): Session {
	const token = process.env.LATTICE_TOKEN
	if (token) return fixedSession(token)
	const { login } = readConfig(home)
	if (login && (origin === null || login.url === origin.origin)) return storedSession(home)
	const where = origin ? ` at ${origin.origin}` : ''
	throw new LatticeError(
		'UNAUTHENTICATED',
		`You are not logged in${where}; run "lattice login --console URL --email EMAIL".`,
	)
}

/** Null when the console can take orders; else why not. */
async function notServing(origin: URL): Promise<LatticeError | null> {
	try {
		await requestJson(new URL('/readyz', origin), { timeoutMs: PROBE_MS })
		return null
	} catch (error) {
		const failure = LatticeError.from(error)
		const remedy = 'Is `lattice up` running there? An agent can be asked instead with --agent URL.'
		return new LatticeError(failure.code, `${failure.message} ${remedy}`, failure.facts, { cause: error })
	}
}
