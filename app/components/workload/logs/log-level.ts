export type LogLevel = 'error' | 'warning' | 'info' | 'debug'

export const LEVELS: readonly LogLevel[] = ['error', 'warning', 'info', 'debug']

/** What programs call their levels; pino and bunyan count in tens. */
const NAMES: Record<string, LogLevel> = {
	fatal: 'error',
	panic: 'error',
	critical: 'error',
	crit: 'error',
	emerg: 'error',
	alert: 'error',
	error: 'error',
	err: 'error',
	severe: 'error',
	warning: 'warning',
	warn: 'warning',
	notice: 'info',
	info: 'info',
	log: 'info',
	debug: 'debug',
	trace: 'debug',
	verbose: 'debug',
	60: 'error',
	50: 'error',
	40: 'warning',
	30: 'info',
	20: 'debug',
	10: 'debug',
}

/** Levels stand at the beginning of a line; further on the word is somebody's prose. */
const LOOKED_AT = 200
const FIELD = /\b"?(?:level|severity|lvl)"?\s*[=:]\s*"?([a-z]+|\d0)\b/i
/** A word of capitals, or one in brackets or before a colon: `ERROR`, `[warn]`, `warning:`. */
const WORD =
	/(?:^|[\s[(|])(FATAL|PANIC|CRITICAL|ERROR|ERR|SEVERE|WARNING|WARN|NOTICE|INFO|LOG|DEBUG|TRACE)(?=[\s:\])|]|$)/
const MARKED =
	/(?:\[(fatal|panic|crit|critical|emerg|alert|error|err|warning|warn|notice|info|debug|trace)\]|(?:^|\s)(fatal|panic|error|warning|warn|info|debug): )/i

/** A guess, from the words that most programs use; null when a line says nothing of the kind. */
export function levelOf(text: string): LogLevel | null {
	const start = text.slice(0, LOOKED_AT)
	const word = FIELD.exec(start)?.[1] ?? WORD.exec(start)?.[1] ?? MARKED.exec(start)?.slice(1).find(Boolean)
	if (word) return NAMES[word.toLowerCase()] ?? null
	return /^(?:\s*at |Traceback|[\w.]*(?:Error|Exception)\b)/.test(start) ? 'error' : null
}

/** `least` and what is worse; a line of unknown level is shown with `info` and below. */
export function isAtLeast(level: LogLevel | null, least: LogLevel): boolean {
	return LEVELS.indexOf(level ?? 'info') <= LEVELS.indexOf(least)
}
