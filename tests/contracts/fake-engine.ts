import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export interface FakeEngine extends AsyncDisposable {
	dockerHost: string
	/** paths with queries, as they were asked for */
	requests: string[]
}

export interface FakeEngineOptions {
	version?: object
	/** answers what is not /version or /info; what it leaves unanswered hangs */
	answer?: (request: IncomingMessage, response: ServerResponse) => void
}

export const json = (response: ServerResponse, status: number, body: object) => {
	response.writeHead(status, { 'content-type': 'application/json' })
	response.end(JSON.stringify(body))
}

/** An engine that says what a test wants, on a socket of its own: for answers that no real engine can be made to give. */
export async function startFakeEngine({ version, answer }: FakeEngineOptions = {}): Promise<FakeEngine> {
	const folder = await mkdtemp(join(tmpdir(), 'lattice-engine-'))
	const socket = join(folder, 'docker.sock')
	const requests: string[] = []
	const server = createServer((request, response) => {
		const url = request.url ?? ''
		requests.push(url)
		if (url === '/version') {
			json(response, 200, {
				Version: '28.0.0',
				ApiVersion: '1.48',
				MinAPIVersion: '1.24',
				Arch: 'amd64',
				Os: 'linux',
				...version,
			})
		} else if (url.endsWith('/info')) {
			json(response, 200, {
				NCPU: 4,
				MemTotal: 8e9,
				DockerRootDir: '/no/such',
				SwapLimit: true,
				DefaultRuntime: 'runc',
			})
		} else answer?.(request, response)
	})
	await new Promise<void>((resolve) => server.listen(socket, resolve))
	return {
		dockerHost: `unix://${socket}`,
		requests,
		async [Symbol.asyncDispose]() {
			server.close()
			server.closeAllConnections()
			await rm(folder, { recursive: true, force: true })
		},
	}
}
