import { hash, verify } from '@node-rs/bcrypt'
import { z } from 'zod'

const COST = 12
/** bcrypt reads 72 bytes and ignores the rest: a longer password is refused, never cut. */
const MAX_BYTES = 72

/** A hash of cost 12 that no known password has: an unknown user costs a login as much time as a wrong password. */
const NOBODYS_HASH = '$2b$12$3EVA6CCvpb9abe5mgmfRwuBDGkvG3iSulHHPa8KnW.YTaKsg4gXIa'

/** Composed and decomposed forms of one letter are one password, whatever keyboard typed it (RFC 8265, OpaqueString). */
const Normalised = z.string({ error: 'is missing' }).transform((password) => password.normalize('NFC'))

export const NewPassword = Normalised.pipe(
	z
		.string()
		.refine((password) => Buffer.byteLength(password) >= 10, { error: 'use at least 10 characters' })
		.refine((password) => Buffer.byteLength(password) <= MAX_BYTES, {
			error: `use at most ${MAX_BYTES} bytes (letters outside English take 2 to 4)`,
		})
		.refine((password) => !password.includes('\0'), { error: 'has a character that cannot be used' }),
)

/** What may be tried at login; no rule of its own tells whether the account exists. */
export const GivenPassword = Normalised.pipe(z.string().max(1024, 'is too long'))

export async function hashPassword(password: string): Promise<string> {
	return hash(password, COST)
}

/** Takes the same time whether there is a hash or not. */
export async function isPassword(password: string, passwordHash: string | null): Promise<boolean> {
	const matches = await verify(password, passwordHash ?? NOBODYS_HASH)
	return matches && passwordHash !== null && Buffer.byteLength(password) <= MAX_BYTES
}
