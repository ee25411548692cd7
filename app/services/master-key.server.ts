import { createHash, randomBytes } from 'node:crypto'
import { stat } from 'node:fs/promises'
import path from 'node:path'
import { Keyring } from '../../agent/identity/index.ts'
import { LatticeError } from '../../agent/protocol/index.ts'
import { createSecretFile, readIfThere } from '../secret-file.server.ts'

const KEY_BYTES = 32
/** 32 random bytes have about 30 different values; a passphrase or a pattern has few. */
const MIN_DISTINCT_BYTES = 16

/**
 * The console's master key: HOME/master.key, or the file that LATTICE_MASTER_KEY_FILE names. One key a line, 32 bytes
 * as base64url or hex; the first line seals, the others open what was sealed before a rotation.
 * `create` is for the first start alone: with a new key nothing that exists would open.
 */
export async function loadMasterKeys(options: {
	home: string
	file: string | null
	create: boolean
}): Promise<Keyring> {
	const file = options.file ?? path.join(options.home, 'master.key')
	const text = (await readOrRefuse(file)) ?? (await createOrRefuse(file, options))
	await refuseReadable(file, options.file === null ? 0o077 : 0o007)
	const lines = text
		.split('\n')
		.map((line) => line.trim())
		.filter((line) => line !== '' && !line.startsWith('#'))
	const entries = lines.map((line) => {
		const key = decodeKey(line, file)
		return [`m${createHash('sha256').update(key).digest('hex').slice(0, 12)}`, key.toString('base64url')] as const
	})
	const [first] = entries
	if (first === undefined) throw refusal(file, 'is empty')
	return new Keyring({ active: first[0], keys: Object.fromEntries(entries) })
}

function decodeKey(line: string, file: string): Buffer {
	const key = /^[0-9a-f]{64}$/i.test(line) ? Buffer.from(line, 'hex') : Buffer.from(line, 'base64')
	const isText = /^[A-Za-z0-9+/_-]+=*$/.test(line)
	if (!isText || key.length !== KEY_BYTES) throw refusal(file, 'does not hold a key of 32 bytes')
	if (new Set(key).size < MIN_DISTINCT_BYTES) throw refusal(file, 'holds a weak key')
	return key
}

async function createOrRefuse(file: string, options: { file: string | null; create: boolean }): Promise<string> {
	if (options.file !== null) throw refusal(file, 'does not exist')
	if (!options.create) {
		throw new LatticeError(
			'NOT_READY',
			`The keys of this lattice are in the database, but the master key that opens them is not at ${file}. Put it back, or name it by LATTICE_MASTER_KEY_FILE.`,
			{ file },
		)
	}
	return createSecretFile(file, `${randomBytes(KEY_BYTES).toString('base64url')}\n`)
}

async function readOrRefuse(file: string): Promise<string | null> {
	try {
		return await readIfThere(file)
	} catch (error) {
		throw refusal(file, 'cannot be read', error)
	}
}

async function refuseReadable(file: string, forbidden: number): Promise<void> {
	const { mode } = await stat(file)
	if ((mode & forbidden) !== 0) {
		throw new LatticeError('NOT_READY', `Other users can read the master key ${file}. Run: chmod 600 ${file}`, { file })
	}
}

function refusal(file: string, problem: string, cause?: unknown): LatticeError {
	return new LatticeError(
		'NOT_READY',
		`The master key file ${file} ${problem}. It needs 32 random bytes in one line, as "openssl rand -hex 32" prints them.`,
		{ file },
		{ cause },
	)
}
