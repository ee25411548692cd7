import { execFileSync } from 'node:child_process'
import { readFileSync, statSync } from 'node:fs'
import { LatticeError } from '../../protocol/index.ts'

/** Who runs the database server; PostgreSQL refuses to run as root. */
export interface Account {
	uid: number
	gid: number
}

const OWN_NAME = 'lattice'

/**
 * Null: this process is no root and runs the server itself. Otherwise the owner of the data that is there already, else
 * the account `postgres`, else a system account `lattice` that is made when missing.
 */
export function serverAccount(dataDirectory: string): Account | null {
	if (process.getuid?.() !== 0) return null
	return ownerOf(dataDirectory) ?? accountNamed('postgres') ?? accountNamed(OWN_NAME) ?? createAccount()
}

function ownerOf(path: string): Account | null {
	const stat = statSync(path, { throwIfNoEntry: false })
	return stat && stat.uid !== 0 ? { uid: stat.uid, gid: stat.gid } : null
}

function accountNamed(name: string): Account | null {
	return parsePasswd(readFileSync('/etc/passwd', 'utf8'), name)
}

export function parsePasswd(passwd: string, name: string): Account | null {
	for (const line of passwd.split('\n')) {
		const [login, , uid, gid] = line.split(':')
		if (login === name && uid && gid) return { uid: Number(uid), gid: Number(gid) }
	}
	return null
}

function createAccount(): Account {
	try {
		execFileSync('useradd', ['--system', '--no-create-home', '--shell', '/usr/sbin/nologin', OWN_NAME], {
			stdio: ['ignore', 'ignore', 'pipe'],
		})
	} catch (cause) {
		throw new LatticeError(
			'DATABASE_UNAVAILABLE',
			`PostgreSQL does not run as root and the system account "${OWN_NAME}" could not be made; make it with useradd --system ${OWN_NAME}, or set DATABASE_URL.`,
			{},
			{ cause },
		)
	}
	const account = accountNamed(OWN_NAME)
	if (!account)
		throw new LatticeError('DATABASE_UNAVAILABLE', `useradd made no account "${OWN_NAME}"; set DATABASE_URL.`)
	return account
}
