import { spawn } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import { readFile, rm, writeFile } from 'node:fs/promises'
import { request } from 'node:http'
import { join } from 'node:path'
import { containersGroup, makeGroup, members } from './cgroup.ts'
import { until } from './command.ts'
import { inside, ofHost } from './namespaces.ts'
import { certificateFile } from './registry.ts'
import { dataDirectory } from './state.ts'

/** From the machine; inside the host it is the usual /run/docker.sock. */
export const engineSocket = (lab: string, host: string) => join(dataDirectory(lab), host, 'run/docker.sock')

const pidFile = (lab: string, host: string) => join(dataDirectory(lab), host, 'run/docker.pid')

/** The host's own Docker engine, at every usual place of its file system, with a containerd of its own. */
export async function startEngine(lab: string, host: string): Promise<void> {
	const data = join(dataDirectory(lab), host)
	// the machine's own /etc/docker/daemon.json is not ours to follow
	await writeFile(join(data, 'etc/daemon.json'), '{}')
	// left by an engine that was killed: dockerd refuses to start when the pid in it lives, whoever has it now
	await rm(pidFile(lab, host), { force: true })
	const group = await makeGroup(lab, host)
	const [file = '', ...args] = inside(
		ofHost(lab, host),
		group,
		[
			'dockerd',
			...['--config-file', join(data, 'etc/daemon.json')],
			// engines on one machine share control groups: containers of a host stay below the host's
			...['--cgroup-parent', containersGroup(lab, host), '--exec-opt', 'native.cgroupdriver=cgroupfs'],
		],
		'/',
	)
	const log = openSync(join(data, 'dockerd.log'), 'a')
	const child = spawn(file, args, {
		stdio: ['ignore', log, log],
		detached: true,
		// a proxy of the machine leads nowhere from here
		env: { ...process.env, SSL_CERT_FILE: certificateFile(lab), NO_PROXY: '*' },
	})
	closeSync(log)
	const ended = new Promise<never>((_, reject) => {
		child.once('error', reject)
		child.once('exit', async (code) => {
			const tail = (await readFile(join(data, 'dockerd.log'), 'utf8')).split('\n').slice(-8).join('\n')
			reject(new Error(`the engine of ${host} ended with ${code}:\n${tail}`))
		})
	})
	ended.catch(() => undefined) // after the start it may be stopped or killed as a test likes
	child.unref()
	await Promise.race([until(`the engine of ${host} answering`, 60_000, () => answers(engineSocket(lab, host))), ended])
}

/** Of dockerd and of its containerd, as far as they live. */
export async function enginePids(lab: string, host: string): Promise<{ dockerd?: number; containerd?: number }> {
	const dockerd = await pidIn(pidFile(lab, host))
	const containerd = await pidIn(join(dataDirectory(lab), host, 'run/docker/containerd/containerd.pid'))
	// a file may be older than the present holder of its pid
	const alive = await members(lab, host)
	return {
		...(dockerd !== null && alive.includes(dockerd) && { dockerd }),
		...(containerd !== null && alive.includes(containerd) && { containerd }),
	}
}

async function pidIn(file: string): Promise<number | null> {
	try {
		return Number(await readFile(file, 'utf8'))
	} catch (error) {
		if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null
		throw error
	}
}

function answers(socketPath: string): Promise<boolean> {
	return new Promise((resolve) => {
		const probe = request({ socketPath, path: '/_ping', timeout: 2000 }, (response) => {
			response.resume()
			resolve(response.statusCode === 200)
		})
		probe.once('timeout', () => probe.destroy())
		probe.once('error', () => resolve(false))
		probe.end()
	})
}
