import { z } from 'zod'

const PINO_WARN = 40
const PinoLine = z.object({
	level: z.number(),
	msg: z.string().default(''),
	err: z.object({ message: z.string() }).optional(),
})

/**
 * What of a child's line deserves the terminal, or null. Node children write pino's JSON, PostgreSQL its own format; a
 * plain line on stderr (a crash before the logger exists) is always shown.
 */
export function worthShowing(line: string, stream: 'stdout' | 'stderr', format: 'pino' | 'postgres'): string | null {
	if (format === 'postgres') return /\b(WARNING|FATAL|PANIC): /.test(line) ? line : null
	if (!line.startsWith('{')) return stream === 'stderr' && line.trim() !== '' ? line : null
	const parsed = PinoLine.safeParse(parseJson(line))
	if (!parsed.success) return stream === 'stderr' ? line : null
	const { level, msg, err } = parsed.data
	if (level < PINO_WARN) return null
	return err && !msg.includes(err.message) ? `${msg} (${err.message})` : msg
}

function parseJson(text: string): unknown {
	try {
		return JSON.parse(text)
	} catch {
		return null // a line that only looks like JSON
	}
}
