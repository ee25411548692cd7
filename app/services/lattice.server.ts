import { randomBytes } from 'node:crypto'
import {
	generateKey,
	issueIssuerCertificate,
	type Keyring,
	keyFromSeed,
	latticeIdOf,
	type SigningKey,
	Trust,
	thumbprint,
} from '../../agent/identity/index.ts'
import { LatticeError } from '../../agent/protocol/index.ts'
import type { Database } from '../models/database.server.ts'
import {
	addLatticeKey,
	createLattice,
	findLattice,
	type LatticeKeyRow,
	type LatticeRow,
	resealLatticeKey,
} from '../models/lattice.server.ts'

const DAY_MS = 86_400_000
const ISSUER_LIFE_MS = 730 * DAY_MS
/** Twice a membership: whatever this issuer signs ends before the issuer does. */
const ISSUER_RENEW_MS = 180 * DAY_MS

/** The lattice as this console holds it: the issuing key open, the root's sealed in the database until it is needed. */
export interface LatticeKeys {
	latticeId: string
	rootPublicKey: string
	issuer: SigningKey
	trust: Trust
	/** newest first */
	cookieSecrets: string[]
	keyring: Keyring
}

/**
 * Opens the lattice of this database, or makes it: root key, issuer and cookie secret in one transaction. Fails when
 * the master key does not open them: a console that cannot issue must not look as if it could.
 */
export async function openLattice(
	database: Database,
	loadKeys: (create: boolean) => Promise<Keyring>,
	now = () => Date.now(),
): Promise<LatticeKeys> {
	const found = await findLattice(database)
	const keyring = await loadKeys(found === null)
	if (found === null) await createLattice(database, await makeLattice(keyring, now()))
	const lattice = found ?? (await findLattice(database))
	if (lattice === null) throw new LatticeError('INTERNAL', 'The lattice vanished from the database while it started.')
	return openKeys(database, lattice, keyring, now)
}

async function makeLattice(keyring: Keyring, now: number): Promise<LatticeRow> {
	const root = generateKey()
	const id = latticeIdOf(root.publicKey)
	const keys = [
		sealKey(keyring, 'root', root.kid, root.seed, { publicKey: root.publicKey }),
		await makeIssuer(keyring, root, now),
		makeCookieSecret(keyring),
	]
	return { id, rootPublicKey: root.publicKey, keys }
}

async function makeIssuer(keyring: Keyring, root: SigningKey, now: number): Promise<LatticeKeyRow> {
	const issuer = generateKey()
	const latticeId = latticeIdOf(root.publicKey)
	const notAfter = new Date(now + ISSUER_LIFE_MS)
	const certificate = await issueIssuerCertificate(root, { latticeId, publicKey: issuer.publicKey, notAfter })
	return sealKey(keyring, 'issuer', issuer.kid, issuer.seed, { publicKey: issuer.publicKey, certificate, notAfter })
}

async function openKeys(
	database: Database,
	lattice: LatticeRow,
	keyring: Keyring,
	now: () => number,
): Promise<LatticeKeys> {
	const trust = new Trust({ latticeId: lattice.id, rootPublicKey: lattice.rootPublicKey, now })
	const open = (key: LatticeKeyRow) => openSeed(keyring, lattice.id, key)
	const root = lattice.keys.find((key) => key.purpose === 'root')
	if (root === undefined)
		throw new LatticeError('NOT_READY', 'The database has a lattice without its root key; restore a backup.')
	const rootKey = keyFromSeed(open(root))
	let issuers = lattice.keys.filter((key) => key.purpose === 'issuer')
	if (!issuers.some((key) => (key.notAfter?.getTime() ?? 0) > now() + ISSUER_RENEW_MS)) {
		const renewed = await makeIssuer(keyring, rootKey, now())
		await addLatticeKey(database, lattice.id, renewed)
		issuers = [renewed, ...issuers]
	}
	const { issuer, cookieSecrets, certificates } = readKeys(
		{ ...lattice, keys: [...issuers, ...rest(lattice)] },
		keyring,
	)
	for (const certificate of certificates) await trust.addIssuer(certificate)
	await resealKeys(database, lattice.keys, keyring)
	return { latticeId: lattice.id, rootPublicKey: lattice.rootPublicKey, issuer, trust, cookieSecrets, keyring }
}

function rest({ keys }: LatticeRow): LatticeKeyRow[] {
	return keys.filter(({ purpose }) => purpose !== 'issuer')
}

/**
 * What signs and what verifies. Keys made after `settled` (milliseconds) verify only: other consoles may not know them
 * yet. While all are that young the newest signs.
 */
export function readKeys(
	lattice: LatticeRow,
	keyring: Keyring,
	settled = Number.POSITIVE_INFINITY,
): { issuer: SigningKey; cookieSecrets: string[]; certificates: string[] } {
	const open = (key: LatticeKeyRow) => openSeed(keyring, lattice.id, key)
	const isSettled = ({ createdAt }: LatticeKeyRow) => (createdAt?.getTime() ?? 0) <= settled
	const of = (purpose: LatticeKeyRow['purpose']) => {
		const keys = lattice.keys
			.filter((key) => key.purpose === purpose)
			.sort((a, b) => (b.createdAt?.getTime() ?? Infinity) - (a.createdAt?.getTime() ?? Infinity))
		return [...keys.filter(isSettled), ...keys.filter((key) => !isSettled(key))]
	}
	const issuers = of('issuer')
	const [signing] = issuers
	if (signing === undefined) throw new LatticeError('NOT_READY', 'The database has a lattice without an issuing key.')
	return {
		issuer: keyFromSeed(open(signing)),
		cookieSecrets: of('cookie').map(open),
		certificates: issuers.flatMap(({ certificate }) => (certificate === null ? [] : [certificate])),
	}
}

/** A new issuing key under the root, and a new cookie secret; answers the issuer's id. */
export async function addNewKeys(database: Database, keyring: Keyring, now: number): Promise<string> {
	const lattice = await findLattice(database)
	const root = lattice?.keys.find(({ purpose }) => purpose === 'root')
	if (!lattice || !root)
		throw new LatticeError('NOT_READY', 'The database has a lattice without its root key; restore a backup.')
	const issuer = await makeIssuer(keyring, keyFromSeed(openSeed(keyring, lattice.id, root)), now)
	await addLatticeKey(database, lattice.id, issuer)
	await addLatticeKey(database, lattice.id, makeCookieSecret(keyring))
	return issuer.kid
}

function makeCookieSecret(keyring: Keyring): LatticeKeyRow {
	return sealKey(keyring, 'cookie', thumbprint(generateKey().publicKey), randomBytes(32).toString('base64url'))
}

/** After a rotation of the master key, so that the old line can be taken out of its file. */
async function resealKeys(database: Database, keys: LatticeKeyRow[], keyring: Keyring): Promise<void> {
	for (const { kid, purpose, sealedSeed } of keys) {
		if (sealedSeed === '' || !keyring.needsReseal(sealedSeed)) continue
		await resealLatticeKey(database, kid, keyring.reseal(sealedSeed, boundTo(purpose, kid)))
	}
}

function openSeed(keyring: Keyring, latticeId: string, key: LatticeKeyRow): string {
	try {
		return keyring.open(key.sealedSeed, boundTo(key.purpose, key.kid))
	} catch (cause) {
		throw new LatticeError(
			'NOT_READY',
			`The master key does not open the keys of lattice ${latticeId} in this database. Put back the master.key that was there when the lattice was made (or name it by LATTICE_MASTER_KEY_FILE), or use another database.`,
			{ latticeId },
			{ cause },
		)
	}
}

function sealKey(
	keyring: Keyring,
	purpose: LatticeKeyRow['purpose'],
	kid: string,
	seed: string,
	more: Partial<LatticeKeyRow> = {},
): LatticeKeyRow {
	const sealedSeed = keyring.seal(seed, boundTo(purpose, kid))
	return { kid, purpose, sealedSeed, publicKey: null, certificate: null, notAfter: null, ...more }
}

/** What the sealed text of such a row is bound to. */
export function boundTo(purpose: string, kid: string): string {
	return `lattice-key:${purpose}:${kid}`
}
