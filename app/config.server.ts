import { homedir } from 'node:os'
import path from 'node:path'
import { z } from 'zod'
import { invalidInput } from '../agent/protocol/index.ts'

const Port = z.coerce.number().int().min(0).max(65_535)
/** `1`/`0` as the supervisor writes them, words as people do. */
const Flag = z
	.enum(['0', '1', 'true', 'false'], { error: 'is 1 or 0' })
	.transform((word) => ['1', 'true'].includes(word))
const List = z.string().transform((text) =>
	text
		.split(',')
		.map((item) => item.trim())
		.filter((item) => item !== ''),
)

/** The console's whole configuration: the environment, read once (brief: process protocol). */
const Environment = z.object({
	LATTICE_HOME: z.string().min(1).default(path.join(homedir(), '.lattice')),
	DATABASE_URL: z
		.string({ error: 'is missing; `./lattice up` sets it, elsewhere give postgresql://user:password@host/database' })
		.regex(/^postgres(ql)?:\/\//, 'is not a PostgreSQL URL (postgresql://user:password@host/database)'),
	LATTICE_HOST: z.string().min(1).default('127.0.0.1'),
	LATTICE_PORT: Port.default(3000),
	LATTICE_MASTER_KEY_FILE: z.string().optional(),
	LATTICE_CONSOLE_MESH_LISTEN: z.string().optional(),
	LATTICE_ANNOUNCE: List.default([]),
	/** 1: for an agent beside this console that has not joined; first: only while the lattice has no node */
	LATTICE_LOCAL_INVITE: z.enum(['0', '1', 'first'], { error: 'is 1, first or 0' }).default('0'),
	/** as browsers reach it, when that is not its own address; https here makes cookies Secure */
	LATTICE_PUBLIC_URL: z.url({ protocol: /^https?$/, error: 'is not an http(s) URL' }).optional(),
	/** 1: a reverse proxy in front sets X-Forwarded-For and X-Forwarded-Proto; else they are not believed */
	LATTICE_TRUST_PROXY: Flag.default(false),
	/** closed: nobody but the first user can register */
	LATTICE_REGISTRATION: z.enum(['open', 'closed']).default('open'),
	LATTICE_LOG_LEVEL: z.enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent']).default('info'),
})

export interface Config {
	home: string
	databaseUrl: string
	host: string
	port: number
	/** null: HOME/master.key, made at the first start */
	masterKeyFile: string | null
	/** null: any free port, then remembered */
	meshListen: string | null
	announce: string[]
	localInvite: '0' | '1' | 'first'
	publicUrl: URL | null
	trustProxy: boolean
	registration: 'open' | 'closed'
	logLevel: string
}

/** INVALID_INPUT names the variable and what it wants. */
export function readConfig(env: Record<string, string | undefined>): Config {
	const parsed = Environment.safeParse(withoutEmpty(env))
	if (!parsed.success) throw invalidInput(parsed.error)
	const values = parsed.data
	return {
		home: path.resolve(values.LATTICE_HOME),
		databaseUrl: values.DATABASE_URL,
		host: values.LATTICE_HOST,
		port: values.LATTICE_PORT,
		masterKeyFile: values.LATTICE_MASTER_KEY_FILE ?? null,
		meshListen: values.LATTICE_CONSOLE_MESH_LISTEN ?? null,
		announce: values.LATTICE_ANNOUNCE,
		localInvite: values.LATTICE_LOCAL_INVITE,
		publicUrl: values.LATTICE_PUBLIC_URL ? new URL(values.LATTICE_PUBLIC_URL) : null,
		trustProxy: values.LATTICE_TRUST_PROXY,
		registration: values.LATTICE_REGISTRATION,
		logLevel: values.LATTICE_LOG_LEVEL,
	}
}

/** Compose files set what is not given to the empty string. */
function withoutEmpty(env: Record<string, string | undefined>): Record<string, string | undefined> {
	return Object.fromEntries(Object.entries(env).filter(([, value]) => value !== ''))
}
