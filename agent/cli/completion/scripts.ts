export const SHELLS = ['bash', 'zsh', 'fish'] as const
export type Shell = (typeof SHELLS)[number]

/** Each asks `lattice complete` for what may come next, so that no shell knows a command of its own. */
export const SCRIPTS: Record<Shell, string> = {
	bash: `_lattice() {
	local IFS=$'\\n'
	COMPREPLY=($("\${COMP_WORDS[0]}" complete -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null))
}
complete -o default -F _lattice lattice ./lattice`,
	zsh: `#compdef lattice
_lattice() {
	local -a offered
	offered=("\${(@f)$("\${words[1]}" complete -- "\${(@)words[2,CURRENT]}" 2>/dev/null)}")
	if [[ -n "\${offered[1]}" ]]; then compadd -a offered; else _files; fi
}
compdef _lattice lattice ./lattice`,
	fish: `function __lattice_complete
	set -l words (commandline -opc)
	$words[1] complete -- $words[2..] (commandline -ct) 2>/dev/null
end
complete -c lattice -f -a '(__lattice_complete)'`,
}
