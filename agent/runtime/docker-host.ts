import { existsSync, readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import type Dockerode from 'dockerode'
import { LatticeError } from '../protocol/index.ts'

/** Where an engine listens: `unix:///path`, `npipe:////./pipe/name` or `tcp://host:port`, as DOCKER_HOST writes it. */
export interface DockerHost {
	/** for people: the socket's path, or host:port */
	address: string
	options: Dockerode.DockerOptions
	/** the engine's files are this machine's files */
	local: boolean
}

type Environment = Record<string, string | undefined>

/** What the docker CLI would use: DOCKER_HOST, the system socket, then those of rootless Docker and Docker Desktop. */
export function defaultDockerHost(env: Environment = process.env, exists = existsSync): string {
	if (env.DOCKER_HOST) return env.DOCKER_HOST
	const system = '/var/run/docker.sock'
	const sockets = [
		system,
		...(env.XDG_RUNTIME_DIR ? [join(env.XDG_RUNTIME_DIR, 'docker.sock')] : []),
		join(homedir(), '.docker/run/docker.sock'),
	]
	return `unix://${sockets.find((socket) => exists(socket)) ?? system}`
}

/**
 * `host` and `protocol` are always given, also as undefined: docker-modem would fill them from DOCKER_HOST of the
 * environment and so reach another engine than the one that was asked for.
 */
export function parseDockerHost(text: string, env: Environment = process.env): DockerHost {
	const socketPath = /^(?:unix|npipe):\/\/(.+)$/.exec(text)?.[1]
	if (socketPath !== undefined) {
		return { address: socketPath, options: { socketPath, host: undefined, protocol: 'http' }, local: true }
	}
	const url = /^(tcp|https?):\/\/[^/]+\/?$/.test(text) ? URL.parse(text) : null
	if (url === null || url.hostname === '') {
		throw new LatticeError(
			'INVALID_INPUT',
			`The Docker host ${JSON.stringify(text)} is not understood; write unix:///var/run/docker.sock or tcp://host:2375.`,
			{ issues: [{ path: 'dockerHost', message: 'is neither unix:///path nor tcp://host:port' }] },
		)
	}
	const certificates = env.DOCKER_CERT_PATH
	const tls = url.protocol === 'https:' || (env.DOCKER_TLS_VERIFY ?? '') !== '' || url.port === '2376'
	const port = url.port || (tls ? '2376' : '2375')
	const file = (name: string) => (certificates ? readFileSync(join(certificates, name)) : undefined)
	return {
		address: `${url.hostname}:${port}`,
		options: {
			socketPath: undefined,
			host: url.hostname,
			port,
			protocol: tls ? 'https' : 'http',
			...(tls && { ca: file('ca.pem'), cert: file('cert.pem'), key: file('key.pem') }),
		},
		local: false,
	}
}
