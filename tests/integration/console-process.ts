import { type ChildProcess, fork } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import path from 'node:path'
import { createTRPCClient, httpLink } from '@trpc/client'
import type { AppRouter } from '../../app/trpc/router.ts'

const SERVER = path.resolve(import.meta.dirname, '../../app/server.ts')
const READY_MS = 60_000

export interface ConsoleProcess {
	url: string
	peerId: string
	invite: string | null
	home: string
	/** everything it wrote */
	output: () => string
	/** resolves with the exit code */
	stop(signal?: NodeJS.Signals): Promise<number | null>
	/** its IPC channel breaks, as when the supervisor dies */
	disconnect(): Promise<number | null>
}

/** The real console as the supervisor starts it. `home` is kept when it is given, so that a test can start it again. */
export async function startConsoleProcess(
	databaseUrl: string,
	options: { home?: string; env?: Record<string, string> } = {},
): Promise<ConsoleProcess> {
	const home = options.home ?? (await mkdtemp('/tmp/lattice-test-console-'))
	const child = fork(SERVER, {
		stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
		env: {
			...process.env,
			LATTICE_HOME: home,
			DATABASE_URL: databaseUrl,
			LATTICE_PORT: '0',
			LATTICE_LOCAL_INVITE: '1',
			...options.env,
		},
	})
	let written = ''
	child.stdout?.on('data', (chunk) => (written += chunk))
	child.stderr?.on('data', (chunk) => (written += chunk))
	const exited = new Promise<number | null>((resolve) => child.once('exit', (code) => resolve(code)))
	const end = async () => {
		const code = await exited
		if (options.home === undefined) await rm(home, { recursive: true, force: true })
		return code
	}
	const ready = await Promise.race([readyMessage(child), exited, timeout(READY_MS)])
	if (typeof ready !== 'object' || ready === null) {
		child.kill('SIGKILL')
		await end()
		throw new Error(`the console did not start (${ready}): ${written}`)
	}
	return {
		...ready,
		home,
		output: () => written,
		stop: (signal = 'SIGTERM') => {
			child.kill(signal)
			return end()
		},
		disconnect: () => {
			if (child.connected) child.disconnect()
			return end()
		},
	}
}

/** The exit code and words of a console that must not start. */
export async function failingConsole(databaseUrl: string, home: string, env: Record<string, string> = {}) {
	try {
		const running = await startConsoleProcess(databaseUrl, { home, env })
		await running.stop()
	} catch (error) {
		return String(error)
	}
	throw new Error('the console started')
}

export function apiOf(url: string, token?: string) {
	const headers = token === undefined ? {} : { Authorization: `Bearer ${token}` }
	return createTRPCClient<AppRouter>({ links: [httpLink({ url: `${url}/api/trpc`, headers })] })
}

function readyMessage(child: ChildProcess): Promise<{ url: string; peerId: string; invite: string | null }> {
	return new Promise((resolve) => {
		child.on('message', (message: { type: string; url: string; peerId: string; invite?: string }) => {
			const { url, peerId, invite = null } = message
			if (message.type === 'ready') resolve({ url, peerId, invite })
		})
	})
}

function timeout(ms: number): Promise<null> {
	return new Promise((resolve) => setTimeout(() => resolve(null), ms).unref())
}
