import { readFileSync } from 'node:fs'
import { Command } from 'commander'
import { z } from 'zod'
import { openCli } from './cli.ts'
import { registerAgent } from './commands/agent.ts'
import { registerChanges } from './commands/change.ts'
import { registerCompletion } from './commands/completion.ts'
import { registerConnect } from './commands/connect.ts'
import { registerConsole } from './commands/console.ts'
import { registerDelete } from './commands/delete.ts'
import { registerDeploy } from './commands/deploy.ts'
import { registerDoctor } from './commands/doctor.ts'
import { registerEvents } from './commands/events.ts'
import { registerExec } from './commands/exec.ts'
import { registerExplain } from './commands/explain.ts'
import { registerGet } from './commands/get.ts'
import { registerInvite } from './commands/invite.ts'
import { registerJoin } from './commands/join.ts'
import { registerLeave } from './commands/leave.ts'
import { registerList } from './commands/list.ts'
import { registerLogin } from './commands/login.ts'
import { registerLogs } from './commands/logs.ts'
import { registerNodes } from './commands/nodes.ts'
import { registerProbe } from './commands/probe.ts'
import { registerRotateSecrets } from './commands/rotate-secrets.ts'
import { registerScale } from './commands/scale.ts'
import { registerSettings } from './commands/settings.ts'
import { registerTop } from './commands/top.ts'
import { registerUp } from './commands/up.ts'
import type { Terminal } from './terminal.ts'

/** Every command in the order of --help. */
const COMMANDS = [
	registerUp,
	registerLogin,
	registerDeploy,
	registerList,
	registerGet,
	registerLogs,
	registerExec,
	registerEvents,
	registerConnect,
	registerChanges,
	registerScale,
	registerDelete,
	registerExplain,
	registerProbe,
	registerNodes,
	registerTop,
	registerInvite,
	registerJoin,
	registerLeave,
	registerRotateSecrets,
	registerSettings,
	registerAgent,
	registerConsole,
	registerDoctor,
	registerCompletion,
]

const PackageJson = z.object({ version: z.string() })

export function createProgram(terminal: Terminal): Command {
	const program = new Command('lattice')
		.description('Turn the computers you own into one cloud.')
		.version(
			PackageJson.parse(JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'))).version,
		)
		.option('--json', 'answer in JSON on stdout')
		.option('--home <dir>', 'where this lattice keeps its files (LATTICE_HOME, ~/.lattice)')
		.showSuggestionAfterError()
	const open = openCli(terminal)
	for (const register of COMMANDS) register(program, open)
	for (const command of [program, ...program.commands]) {
		command.exitOverride().configureOutput({
			writeOut: (text) => terminal.out(text.trimEnd()),
			// the error itself is printed once, by main.ts, in the shape all errors have
			outputError: () => undefined,
		})
	}
	return program
}
