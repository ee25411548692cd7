import { LatticeError } from '../../protocol/index.ts'
import type { Cli, Register } from '../cli.ts'
import { trpcMutation } from '../client/trpc.ts'
import { type Config, Device, Login, readConfig, writeConfig } from '../config.ts'
import { createHome } from '../home.ts'
import { waitForLock } from '../lock.ts'
import { httpUrl } from '../options.ts'
import { readIfThere, writePrivate } from '../private-file.ts'
import { servedUrls } from '../served-urls.ts'

interface LoginOptions {
	console?: string
	email: string
	password?: string
}

const LOCK_WAIT_MS = 15_000

export const registerLogin: Register = (program, open) => {
	program
		.command('login')
		.description('log in at a console and keep the token in the home')
		.option('--console <url>', 'the console (LATTICE_URL; default: the one of this home)', httpUrl)
		.requiredOption('--email <email>', 'the account')
		.option('--password <password>', 'better left out: it is asked for, or read from LATTICE_PASSWORD')
		.action((options: LoginOptions, command) => login(options, open(command)))
}

async function login(options: LoginOptions, cli: Cli): Promise<void> {
	const { home } = cli
	const url = options.console ?? process.env.LATTICE_URL ?? servedUrls(home).console
	if (!url) throw new LatticeError('INVALID_INPUT', 'Give the console with --console URL.')
	const origin = new URL(url)
	const credentials = { email: options.email, password: await passwordOf(options, cli) }
	const tokens = await trpcMutation(origin, 'user.login', credentials, Login.omit({ url: true }))
	const config: Config = { login: { url: origin.origin, ...tokens } }
	createHome(home)
	try {
		config.device = await enrolDevice(cli, origin, tokens.token)
	} catch (error) {
		// The login itself is good; only the way around an absent console is not there yet.
		cli.terminal.notice(`warning: this machine has no device certificate (${LatticeError.from(error).message})`)
		// Not the one of an account that logged in here before.
		const before = readConfig(home)
		if (before.login?.user.id === tokens.user.id) config.device = before.device
	}
	const lock = await waitForLock(home.file('config.lock'), LOCK_WAIT_MS)
	try {
		writeConfig(home, config)
	} finally {
		lock.release()
	}
	cli.answer({ url: origin.origin, user: tokens.user }, () =>
		cli.terminal.out(`logged in at ${origin.origin} as ${tokens.user.email} (${tokens.user.role})`),
	)
}

async function passwordOf(options: LoginOptions, { terminal }: Cli): Promise<string> {
	const given = options.password ?? process.env.LATTICE_PASSWORD
	if (given !== undefined) return given
	if (!terminal.interactive) {
		throw new LatticeError('INVALID_INPUT', 'There is no terminal to ask for the password; set LATTICE_PASSWORD.')
	}
	return terminal.askSecret(`Password of ${options.email}: `)
}

/**
 * The certificate lets this machine use the lattice while the console is away; the key never leaves it. One that was
 * removed in the settings, or is the device of another account, gives way to a new one.
 */
async function enrolDevice({ home }: Cli, origin: URL, bearer: string): Promise<Device> {
	const { generateKey, keyFromSeed } = await import('../../identity/index.ts')
	const path = home.file('device.key')
	const enrol = ({ publicKey }: { publicKey: string }) =>
		trpcMutation(origin, 'user.device', { publicKey }, Device, { bearer })
	const seed = readIfThere(path)?.trim()
	if (seed) {
		try {
			return await enrol(keyFromSeed(seed))
		} catch (error) {
			const { code } = LatticeError.from(error)
			if (code !== 'REVOKED' && code !== 'FORBIDDEN') throw error
		}
	}
	const key = generateKey()
	const device = await enrol(key)
	writePrivate(path, `${key.seed}\n`)
	return device
}
