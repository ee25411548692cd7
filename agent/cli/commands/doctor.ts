import { LatticeError } from '../../protocol/index.ts'
import type { Cli, Register } from '../cli.ts'
import { readConfig } from '../config.ts'
import { checkCertificates } from '../doctor/certificates.ts'
import type { Finding } from '../doctor/finding.ts'
import { checkDisk, checkEngine, checkHome, checkNode, checkPorts } from '../doctor/machine.ts'
import { checkAgent, checkConsole, checkDatabase } from '../doctor/services.ts'
import { type Home, runningCommand } from '../home.ts'
import { dockerHost, httpUrl } from '../options.ts'
import { rememberedPorts } from '../ports.ts'
import { servedUrls } from '../served-urls.ts'

interface DoctorOptions {
	console?: string
	agent?: string
	dockerHost?: string
}

export const registerDoctor: Register = (program, open) => {
	program
		.command('doctor')
		.description('check this machine and what it can reach, and say what to do')
		.option('--console <url>', 'the console to check (LATTICE_URL)', httpUrl)
		.option('--agent <url>', 'the agent to check (LATTICE_AGENT)', httpUrl)
		.option('--docker-host <url>', 'the engine to check (DOCKER_HOST)', dockerHost)
		.action((options: DoctorOptions, command) => doctor(options, open(command)))
}

async function doctor(options: DoctorOptions, cli: Cli): Promise<void> {
	const { home, terminal } = cli
	const running = runningCommand(home)
	const urls = servedUrls(home)
	const consoleUrl = options.console ?? process.env.LATTICE_URL ?? readConfig(home).login?.url ?? urls.console
	const findings = [
		checkNode(),
		checkHome(home),
		checkDisk(home),
		await checkEngine(options.dockerHost ?? process.env.DOCKER_HOST),
		...(running ? [] : [await checkPorts(home)]),
		await checkDatabase(databaseAddress(home, running === 'up')),
		...(await checkConsole(consoleUrl)),
		await checkAgent(options.agent ?? process.env.LATTICE_AGENT ?? urls.agent),
		...checkCertificates(home),
	]
	cli.answer(findings, () => findings.flatMap(lines).forEach(terminal.out))
	const broken = findings.filter(({ status }) => status === 'failed').map(({ check }) => check)
	if (broken.length > 0) {
		throw new LatticeError('NOT_READY', `Not well: ${broken.join(', ')}; the remedies are above.`, { failed: broken })
	}
}

const MARK = { ok: '✓', warning: '!', failed: '✗' } as const

function lines({ check, status, detail, remedy }: Finding): string[] {
	const first = `${MARK[status]} ${check.padEnd(18)} ${detail}`
	return remedy ? [first, `${' '.repeat(21)}→ ${remedy}`] : [first]
}

/** Null while it is not meant to run: the embedded one lives and ends with `up`. */
function databaseAddress(home: Home, isUp: boolean): { host: string; port: number } | null {
	const own = process.env.DATABASE_URL
	if (own && URL.canParse(own)) {
		const { hostname, port } = new URL(own)
		return { host: hostname, port: port ? Number(port) : 5432 }
	}
	const port = rememberedPorts(home).database
	return isUp && port !== undefined ? { host: '127.0.0.1', port } : null
}
