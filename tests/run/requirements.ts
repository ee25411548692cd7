import { type SpawnSyncReturns, spawnSync } from 'node:child_process'
import { accessSync, constants, existsSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** What the tests run besides npm packages, by Debian's names. */
interface Requirement {
	package: string
	reason: string
	present(): boolean
	/** started by its package on a machine with systemd; the tests start their own */
	service?: string
}

const POSTGRES_VERSIONS = '/usr/lib/postgresql'
const CREATE_CLUSTER = '/etc/postgresql-common/createcluster.conf'
const SERVICE_POLICY = '/usr/sbin/policy-rc.d'

const program =
	(...names: string[]) =>
	() =>
		names.every((name) => findProgram(name) !== null)

const LAB: Requirement[] = [
	{ package: 'docker.io', reason: 'the engine of each host', present: program('dockerd', 'docker'), service: 'docker' },
	{ package: 'docker-registry', reason: 'images', present: program('docker-registry'), service: 'docker-registry' },
	{ package: 'iptables', reason: 'cutting links', present: program('iptables-restore') },
	{ package: 'iproute2', reason: 'networks of the hosts', present: program('ip') },
	{ package: 'procps', reason: 'processes of a stack', present: program('ps') },
	{ package: 'openssl', reason: "the registry's certificate", present: program('openssl') },
	{ package: 'mmdebstrap', reason: 'the PostgreSQL image', present: program('mmdebstrap') },
	{
		package: 'debian-archive-keyring',
		reason: 'the PostgreSQL image',
		present: () => existsSync('/usr/share/keyrings/debian-archive-keyring.gpg'),
	},
	{ package: 'busybox-static', reason: 'the small image', present: () => isInstalled('busybox-static') },
	{ package: 'pebble', reason: 'an ACME server', present: program('pebble', 'pebble-challtestsrv') },
	{
		package: 'postgresql',
		reason: 'a second real server for DATABASE_URL',
		present: () => postgresPrograms() !== null,
		service: 'postgresql',
	},
]

const BROWSER: Requirement[] = [
	{ package: 'chromium', reason: 'the browser', present: () => chromium() !== null },
	{
		package: 'fonts-dejavu-core',
		reason: 'text in screenshots',
		present: () => existsSync('/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf'),
	},
]

const SERF: Requirement[] = [
	{ package: 'serf', reason: 'what the mesh is measured beside', present: program('serf'), service: 'serf' },
]

const GATEWAY: Requirement[] = [
	{ package: 'wrk', reason: 'the load', present: program('wrk') },
	{
		package: 'haproxy',
		reason: 'what the gateway is measured beside',
		present: program('haproxy'),
		service: 'haproxy',
	},
	{ package: 'nginx-light', reason: 'what both stand in front of', present: program('nginx'), service: 'nginx' },
]

const DATA_PLANE: Requirement[] = [
	{ package: 'openssh-server', reason: 'ssh -L', present: program('sshd'), service: 'ssh' },
	{ package: 'openssh-client', reason: 'ssh -L', present: program('ssh', 'ssh-keygen') },
	{ package: 'haproxy', reason: 'a proxy in C', present: program('haproxy'), service: 'haproxy' },
]

export function chromium(): string | null {
	return process.env.CHROMIUM ?? findProgram('chromium') ?? findProgram('google-chrome')
}

/** The folder with initdb and postgres of the newest version that Debian's packages installed. */
export function postgresPrograms(): string | null {
	if (process.env.LATTICE_TEST_PG_BIN) return process.env.LATTICE_TEST_PG_BIN
	if (!existsSync(POSTGRES_VERSIONS)) return null
	const newest = readdirSync(POSTGRES_VERSIONS).sort((a, b) => Number(b) - Number(a))
	const folders = newest.map((version) => join(POSTGRES_VERSIONS, version, 'bin'))
	return folders.find((folder) => existsSync(join(folder, 'initdb'))) ?? null
}

/** Installs what is missing on Debian and Ubuntu as root; elsewhere throws a sentence that says what to install. */
export function ensureRequirements(
	wanted: { lab: boolean; browser: boolean; serf?: boolean; gateway?: boolean; dataPlane?: boolean },
	report: (line: string) => void,
): void {
	if (!wanted.lab) return
	if (process.platform !== 'linux' || process.getuid?.() !== 0) {
		throw new Error(
			'integration, cluster and e2e tests make network namespaces and run engines: they need Linux and root. `./lattice test unit` needs neither.',
		)
	}
	const all = [
		...LAB,
		...(wanted.browser ? BROWSER : []),
		...(wanted.serf ? SERF : []),
		...(wanted.gateway ? GATEWAY : []),
		...(wanted.dataPlane ? DATA_PLANE : []),
	]
	const missing = all.filter((requirement) => !requirement.present())
	if (missing.length === 0) return
	const list = missing.map((requirement) => `${requirement.package} (${requirement.reason})`).join(', ')
	if (findProgram('apt-get') === null) throw new Error(`install what the tests need: ${list}; named as Debian does`)
	report(`installing ${list}`)
	install(missing)
	const still = missing.filter((requirement) => !requirement.present()).map((requirement) => requirement.package)
	if (still.length > 0) {
		throw new Error(
			`apt-get installed ${still.join(', ')}, but what the tests need of it is not there. A browser elsewhere can be named by CHROMIUM=/path.`,
		)
	}
}

/** Programs only: no service of these packages is started, now or at the next boot, and no database cluster is made. */
function install(missing: readonly Requirement[]): void {
	const quiet = !existsSync(SERVICE_POLICY)
	if (quiet) writeFileSync(SERVICE_POLICY, '#!/bin/sh\nexit 101\n', { mode: 0o755 })
	try {
		const names = missing.map((requirement) => requirement.package)
		if (names.includes('postgresql') && !existsSync(CREATE_CLUSTER)) {
			aptInstall(['postgresql-common'])
			writeFileSync(CREATE_CLUSTER, 'create_main_cluster = false\n', { flag: 'a' })
		}
		aptInstall(names)
	} finally {
		if (quiet) rmSync(SERVICE_POLICY, { force: true })
	}
	if (!existsSync('/run/systemd/system')) return
	for (const { service } of missing) if (service) toStderr('systemctl', ['disable', '--quiet', service])
}

function aptInstall(names: readonly string[]): void {
	const args = ['install', '--yes', '--quiet', '--no-install-recommends', ...names]
	if (toStderr('apt-get', args).status === 0) return
	// no package lists yet, or old ones
	toStderr('apt-get', ['update', '--quiet'])
	if (toStderr('apt-get', args).status !== 0) throw new Error('apt-get could not install them (see above)')
}

function toStderr(file: string, args: readonly string[]): SpawnSyncReturns<Buffer> {
	const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
	return spawnSync(file, args, { stdio: ['ignore', 2, 2], env })
}

function isInstalled(name: string): boolean {
	return spawnSync('dpkg', ['--status', name], { encoding: 'utf8' }).stdout.includes('\nStatus: install ok installed\n')
}

function findProgram(name: string): string | null {
	for (const folder of (process.env.PATH ?? '').split(':')) {
		try {
			accessSync(join(folder, name), constants.X_OK)
			return join(folder, name)
		} catch {
			// not in this folder
		}
	}
	return null
}
