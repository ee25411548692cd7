import { z } from 'zod'
import { WireError } from './errors.ts'

/** base64 of at most 64 KiB: bytes of a program are no text */
const Bytes = z.string().max(90_000)
const Columns = z.number().int().min(1).max(1000)

/** What the person sends to a program in a container. */
export const ExecInput = z.discriminatedUnion('type', [
	z.object({ type: z.literal('data'), data: Bytes }),
	z.object({ type: z.literal('resize'), columns: Columns, rows: Columns }),
	/** no more input: the program reads an end of file */
	z.object({ type: z.literal('end') }),
])
export type ExecInput = z.infer<typeof ExecInput>

/** What it answers: `ready`, any data, then exactly one `exit` or `error`. A terminal has stdout only. */
export const ExecOutput = z.discriminatedUnion('type', [
	z.object({ type: z.literal('ready') }),
	z.object({ type: z.literal('data'), stream: z.enum(['stdout', 'stderr']), data: Bytes }),
	/** code null: it was ended from here; `reason` says why */
	z.object({ type: z.literal('exit'), code: z.number().int().nullable(), reason: z.string().nullable() }),
	z.object({ type: z.literal('error'), error: WireError }),
])
export type ExecOutput = z.infer<typeof ExecOutput>

/** Bytes of one data frame, before base64. */
export const EXEC_CHUNK_BYTES = 64 * 1024

export const EXEC_LIMITS = {
	/** neither input nor output for so long ends it: a forgotten tab is an open door */
	idleMs: 30 * 60_000,
	/** however busy it is: the authority was checked when it began */
	sessionMs: 8 * 3_600_000,
	/** at once on one host, of all users; and of one of them */
	sessions: 64,
	sessionsOfUser: 16,
} as const
