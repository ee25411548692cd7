import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { LatticeError } from '../../protocol/index.ts'
import type { Cli } from '../cli.ts'
import { createHome, type Home } from '../home.ts'
import { writePrivate } from '../private-file.ts'
import { environmentText, unitText } from './unit.ts'

const UNIT = 'lattice.service'
const BOOTSTRAP = resolve(import.meta.dirname, '../../../lattice')
/** What a service would not get from the shell that installs it. */
const KEPT = /^(DATABASE_URL|LATTICE_(?!TOKEN$|PASSWORD$|HOME$|URL$).+)$/

export interface Installed {
	unit: string
	/** for people: how to see, stop and remove it */
	hints: string[]
}

/** Makes `words` (a command of this CLI and its options) a service that starts with the machine, and starts it now. */
export function installService(home: Home, words: readonly string[], description: string): Installed {
	requireSystemd()
	const scope = process.getuid?.() === 0 ? 'system' : 'user'
	const unit = scope === 'system' ? join('/etc/systemd/system', UNIT) : join(configFolder(), 'systemd/user', UNIT)
	createHome(home)
	const environmentFile = home.file('service.env')
	const kept = Object.entries(process.env).filter((entry): entry is [string, string] => KEPT.test(entry[0]))
	writePrivate(environmentFile, environmentText(Object.fromEntries(kept)))
	mkdirSync(dirname(unit), { recursive: true })
	const command = [BOOTSTRAP, ...serviceWords(words, home.path)]
	writeFileSync(unit, unitText({ description, command, environmentFile, scope }), { mode: 0o644 })
	const flags = scope === 'user' ? ['--user'] : []
	systemctl([...flags, 'daemon-reload'])
	systemctl([...flags, 'enable', '--now', UNIT])
	return { unit, hints: hints(scope, home) }
}

export function announceService({ answer, terminal }: Cli, installed: Installed): void {
	answer(installed, () => {
		terminal.out(`${installed.unit} is installed and started`)
		for (const hint of installed.hints) terminal.notice(hint)
	})
}

/** `--install` goes, the home becomes the one that is meant now, and nobody is there to answer questions. */
export function serviceWords(words: readonly string[], home: string): string[] {
	const kept: string[] = []
	for (let index = 0; index < words.length; index++) {
		const word = words[index] as string
		if (word === '--home') index++
		else if (word !== '--install' && word !== '--yes' && !word.startsWith('--home=')) kept.push(word)
	}
	return [...kept, '--yes', '--home', home]
}

function configFolder(): string {
	return process.env.XDG_CONFIG_HOME || join(homedir(), '.config')
}

function requireSystemd(): void {
	// sd_booted(3)
	if (existsSync('/run/systemd/system')) return
	throw new LatticeError(
		'NOT_READY',
		'--install: systemd does not run on this machine. Let your service manager run the same command without --install.',
		{ field: '--install' },
	)
}

function systemctl(words: string[]): void {
	try {
		execFileSync('systemctl', words, { stdio: ['ignore', 'ignore', 'pipe'], encoding: 'utf8' })
	} catch (cause) {
		const said = cause instanceof Error && 'stderr' in cause ? String(cause.stderr).trim() : ''
		throw new LatticeError(
			'NOT_READY',
			`systemctl ${words.join(' ')} failed: ${said || 'no reason given'}.`,
			{},
			{ cause },
		)
	}
}

function hints(scope: 'system' | 'user', home: Home): string[] {
	const flag = scope === 'user' ? ' --user' : ''
	return [
		`follow it:  journalctl${flag} -fu lattice   (logs of its parts: ${home.file('logs')})`,
		`remove it:  systemctl${flag} disable --now lattice`,
		...(scope === 'user' ? ['to start with the machine and not with your login: loginctl enable-linger'] : []),
	]
}
