import process from 'node:process'
import { pino } from 'pino'
import { LatticeError } from '../agent/protocol/index.ts'
import { readConfig } from './config.server.ts'
import { startConsole } from './console.server.ts'

/** A console that hangs while it stops must not outlive its supervisor's patience (2 s). */
const STOP_DEADLINE_MS = 1_800

/** env → console, signals, exit code. 2: the environment is wrong; 1: it could not start or run. */
async function main(): Promise<void> {
	const config = configOrExit()
	const log = pino({ level: config.logLevel, base: { process: 'console' } })
	const stopping = new AbortController()
	const started = startConsole(config, log)
	const stop = (reason: string) => {
		if (stopping.signal.aborted) return
		stopping.abort()
		log.info({ reason }, 'stopping')
		setTimeout(() => process.exit(0), STOP_DEADLINE_MS).unref()
		started.then((running) => running.stop()).then(() => process.exit(0), fail)
	}
	const fail = (thrown: unknown) => {
		const error = LatticeError.from(thrown)
		const { code, facts, message } = error
		log.fatal({ code, facts, ...(code === 'INTERNAL' && { err: error.cause }) }, `${code}: ${message}`)
		console.error(`console: ${code}: ${message}`)
		process.exit(1)
	}
	process.on('SIGTERM', () => stop('SIGTERM'))
	process.on('SIGINT', () => stop('SIGINT'))
	// The supervisor died: nothing else would ever stop this process.
	process.on('disconnect', () => stop('the supervisor is gone'))

	try {
		const running = await started
		process.send?.({
			type: 'ready',
			url: running.url,
			peerId: running.peerId,
			...(running.invite && { invite: running.invite }),
		})
		log.info({ url: running.url, peerId: running.peerId, startMs: Math.round(performance.now()) }, 'console ready')
	} catch (error) {
		if (!stopping.signal.aborted) fail(error)
	}
}

function configOrExit() {
	try {
		return readConfig(process.env)
	} catch (error) {
		const { code, message } = LatticeError.from(error)
		console.error(`console: ${code}: ${message}`)
		process.exit(2)
	}
}

await main()
