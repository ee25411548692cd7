import { spawn } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { request } from 'node:https'
import { join } from 'node:path'
import { makeGroup } from './cgroup.ts'
import { run, until } from './command.ts'
import { inside, netOnly } from './namespaces.ts'
import { SWITCH, switchAddress } from './network.ts'
import { dataDirectory, type LabState } from './state.ts'

/**
 * A real registry that answers for Docker Hub and quay.io: the hosts' /etc/hosts leads there and their engines trust its
 * certificate. So `postgres:17` is pulled unchanged, and a name that exists nowhere fails as it would on the internet.
 */
export const REGISTRY_NAMES = ['registry-1.docker.io', 'quay.io', 'registry.lab']

export const certificateFile = (lab: string) => join(dataDirectory(lab), 'registry/certificate.pem')

/** `writable` is for filling `storage` (build.ts); a lab only reads it, so many can at once. */
export async function startRegistry(lab: LabState, storage: string, writable: boolean): Promise<void> {
	const directory = join(dataDirectory(lab.id), 'registry')
	await mkdir(directory, { recursive: true })
	const key = join(directory, 'key.pem')
	await run('openssl', [
		...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '30'],
		...['-subj', '/CN=lattice-lab registry', '-addext', `subjectAltName=${names(lab.subnet)}`],
		...['-keyout', key, '-out', certificateFile(lab.id)],
	])
	const address = switchAddress(lab.subnet)
	const config = {
		version: '0.1',
		log: { level: 'warn', accesslog: { disabled: true } },
		storage: { filesystem: { rootdirectory: storage }, maintenance: { readonly: { enabled: !writable } } },
		http: { addr: `${address}:443`, tls: { certificate: certificateFile(lab.id), key } },
	}
	// YAML is a superset of JSON
	await writeFile(join(directory, 'config.yml'), JSON.stringify(config))
	const group = await makeGroup(lab.id, SWITCH)
	const log = openSync(join(directory, 'log'), 'a')
	const [file = '', ...args] = inside(netOnly(lab.id, SWITCH), group, [
		'docker-registry',
		'serve',
		join(directory, 'config.yml'),
	])
	const child = spawn(file, args, { stdio: ['ignore', log, log], detached: true })
	closeSync(log)
	const ended = new Promise<never>((_, reject) => {
		child.once('error', reject)
		child.once('exit', (code) => reject(new Error(`the registry ended with ${code}; see ${directory}/log`)))
	})
	ended.catch(() => undefined) // after the start its end is the lab's end
	child.unref()
	await Promise.race([until('the registry answering', 15_000, () => answers(address)), ended])
}

const names = (subnet: number) =>
	[...REGISTRY_NAMES.map((name) => `DNS:${name}`), `IP:${switchAddress(subnet)}`].join(',')

/** Only whether it is there; who trusts it are the engines. */
function answers(host: string): Promise<boolean> {
	return new Promise((resolve) => {
		const probe = request({ host, port: 443, path: '/v2/', rejectUnauthorized: false, timeout: 1000 }, (response) => {
			response.resume()
			resolve(response.statusCode === 200)
		})
		probe.once('timeout', () => probe.destroy())
		probe.once('error', () => resolve(false))
		probe.end()
	})
}
