import { rmSync } from 'node:fs'
import { LatticeError } from '../../protocol/index.ts'
import type { Cli, Register } from '../cli.ts'
import { lockHome } from '../home.ts'
import { announced } from '../mesh-addresses.ts'
import { ipAddress, port, repeated } from '../options.ts'
import { Ports } from '../ports.ts'
import { writePrivate } from '../private-file.ts'
import { rememberUrl } from '../served-urls.ts'
import { ConsoleReady, consoleChild } from '../supervisor/children.ts'
import { Supervisor } from '../supervisor/supervisor.ts'

interface ConsoleOptions {
	host: string
	port?: number
	announce?: string[]
	inviteFile?: string
}

/** What compose.yaml runs: the parts of `up` are containers there. */
export const registerConsole: Register = (program, open) => {
	program
		.command('console')
		.description('run the console alone, on the database in DATABASE_URL')
		.option('--host <addr>', 'where it listens', ipAddress, '127.0.0.1')
		.option('--port <n>', 'default: 3000 or the next free one', port)
		.option('--announce <addr>', 'an address that other machines reach this one at; repeatable', repeated)
		.option('--invite-file <file>', 'leave an invite for the first agent here, until it has joined')
		.action((options: ConsoleOptions, command) => runConsole(options, open(command)))
}

async function runConsole(options: ConsoleOptions, { home, terminal }: Cli): Promise<void> {
	const databaseUrl = process.env.DATABASE_URL
	if (!databaseUrl) {
		throw new LatticeError(
			'INVALID_INPUT',
			'DATABASE_URL: is missing; give postgresql://user:password@host/database, or run "up".',
		)
	}
	const { host, inviteFile } = options
	const lock = lockHome(home, 'console')
	try {
		const ports = new Ports(home)
		const consolePort = await ports.pick('console', host, options.port, '--port')
		const meshPort = await ports.pick('consoleMesh', '0.0.0.0', undefined, "the console's mesh port")
		const spec = consoleChild({
			home,
			databaseUrl,
			host,
			port: consolePort,
			meshListen: [`/ip4/0.0.0.0/tcp/${meshPort}`],
			announce: announced(options.announce ?? [], meshPort),
			localInvite: () => (inviteFile === undefined ? undefined : 'first'),
		})
		const supervisor = new Supervisor({ home, terminal })
		await supervisor.run(() =>
			supervisor.start(spec, (message) => {
				const { url, invite } = ConsoleReady.parse(message)
				if (inviteFile && invite) writePrivate(inviteFile, `${invite}\n`)
				else if (inviteFile) rmSync(inviteFile, { force: true })
				rememberUrl(home, 'console', url)
				terminal.out(`console ready ${url}`)
			}),
		)
	} finally {
		lock.release()
	}
}
