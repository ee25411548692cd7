export interface UnitOptions {
	description: string
	/** argv: the first word is an absolute path */
	command: readonly string[]
	/** read by the service manager; need not exist */
	environmentFile: string
	/** a unit of the machine, or of one user */
	scope: 'system' | 'user'
}

/**
 * A systemd unit (systemd.service(5)). `mixed`: the supervisor is asked to end and ends its children in order; only what
 * is left after the time-out is killed. Exit 2 is wrong usage, which a restart does not mend.
 */
export function unitText({ description, command, environmentFile, scope }: UnitOptions): string {
	return `[Unit]
Description=${escaped(description)}
Wants=network-online.target
After=network-online.target${scope === 'system' ? ' docker.service' : ''}

[Service]
Type=exec
ExecStart=${command.map(quoted).join(' ')}
EnvironmentFile=-${escaped(environmentFile)}
Restart=on-failure
RestartSec=2
RestartPreventExitStatus=2
KillMode=mixed
TimeoutStopSec=30
LimitNOFILE=65536

[Install]
WantedBy=${scope === 'system' ? 'multi-user.target' : 'default.target'}
`
}

/** `%` begins a specifier. */
function escaped(text: string): string {
	return text.replaceAll('%', '%%')
}

/** One word of a command line: systemd splits at spaces, and expands `$` and `%`. */
function quoted(word: string): string {
	return `"${escaped(word).replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('$', '$$$$').replaceAll('\n', '\\n')}"`
}

/** One line a variable for `EnvironmentFile=`. */
export function environmentText(variables: Readonly<Record<string, string>>): string {
	return Object.entries(variables)
		.map(([name, value]) => `${name}="${value.replaceAll(/[\\"`$]/g, '\\$&')}"\n`)
		.join('')
}
