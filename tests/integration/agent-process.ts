import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'

export interface AgentProcess {
	child: ChildProcess
	url: string
	peerId: string
	output(): string
	stop(signal?: NodeJS.Signals): Promise<void>
}

/** The agent as users run it: a process of its own, ready when it says so. */
export async function startAgent(env: Record<string, string>): Promise<AgentProcess> {
	const child = spawn(process.execPath, ['agent/main.ts'], {
		env: {
			NODE_ENV: process.env.NODE_ENV,
			NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE,
			PATH: process.env.PATH,
			LATTICE_AGENT_PORT: '0',
			LATTICE_MESH_LISTEN: '/ip4/127.0.0.1/tcp/0',
			LATTICE_DOCKER_HOST: process.env.LATTICE_TEST_DOCKER,
			...env,
		},
		stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
	})
	let output = ''
	child.stdout?.on('data', (chunk: Buffer) => {
		output += chunk
	})
	child.stderr?.on('data', (chunk: Buffer) => {
		output += chunk
	})
	const ready = new Promise<{ url: string; peerId: string }>((resolve, reject) => {
		child.on('message', (message: { type: string; url: string; peerId: string }) => {
			if (message.type === 'ready') resolve(message)
		})
		child.once('exit', (code, signal) =>
			reject(new Error(`the agent ended (${code ?? signal}) before it was ready:\n${output}`)),
		)
	})
	const { url, peerId } = await ready
	return {
		child,
		url,
		peerId,
		output: () => output,
		async stop(signal = 'SIGTERM') {
			if (child.exitCode !== null || child.signalCode !== null) return
			child.kill(signal)
			await once(child, 'exit')
		},
	}
}
