import { pino } from 'pino'
import { createAgent } from './agent.ts'
import { agentConfig } from './config.ts'
import { type ErrorCode, LatticeError } from './protocol/index.ts'
import { DockerRuntime } from './runtime/docker-runtime.ts'

/** Exit after this even when something does not let go: the supervisor's promise is two seconds. */
const STOP_DEADLINE_MS = 1800

/** Starting again changes nothing: the supervisor gives up, and a person has to do something. */
const EXIT_FINAL = 3
const FINAL: ReadonlySet<ErrorCode> = new Set(['REVOKED', 'INVITE_INVALID', 'INVITE_USED', 'INVITE_EXPIRED'])

const stopping = new AbortController()

async function main(): Promise<void> {
	const config = agentConfig(process.env)
	const log = pino({ level: config.logLevel, base: { process: 'agent' } })
	const runtime = new DockerRuntime({ dockerHost: config.dockerHost })
	const agent = await createAgent(config, { runtime, log }, stopping.signal)
	process.send?.({ type: 'ready', url: agent.url, peerId: agent.peerId })
	const stopped = new Promise<null>((resolve) => {
		stopping.signal.addEventListener('abort', () => resolve(null), { once: true })
	})
	const failure = await Promise.race([stopped, agent.ended])
	setTimeout(() => process.exit(failure ? EXIT_FINAL : 0), STOP_DEADLINE_MS).unref()
	await agent.stop()
	if (failure) throw failure
}

function stop(): void {
	stopping.abort()
	setTimeout(() => process.exit(0), STOP_DEADLINE_MS).unref()
}

process.once('SIGINT', stop)
process.once('SIGTERM', stop)
// The supervisor died: its children leave with it. Workloads go on without any of them.
process.once('disconnect', stop)

main().then(
	() => process.exit(0),
	(thrown: unknown) => {
		const error = LatticeError.from(thrown)
		process.stderr.write(`agent: ${error.code}: ${error.message}\n`)
		if (error.code === 'INTERNAL') process.stderr.write(`${thrown instanceof Error ? thrown.stack : String(thrown)}\n`)
		process.exit(FINAL.has(error.code) ? EXIT_FINAL : 1)
	},
)
