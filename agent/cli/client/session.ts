import { z } from 'zod'
import { LatticeError } from '../../protocol/index.ts'
import { Login, readConfig, writeConfig } from '../config.ts'
import type { Home } from '../home.ts'
import { waitForLock } from '../lock.ts'
import { trpcMutation } from './trpc.ts'

/** Where the bearer token of requests comes from. */
export interface Session {
	bearer(): Promise<string>
	/** after a refusal: a new token, or null when there is no way to one */
	renewed(refused: string): Promise<string | null>
}

/** LATTICE_TOKEN: whoever set it renews it. */
export function fixedSession(token: string): Session {
	return { bearer: async () => token, renewed: async () => null }
}

const Tokens = Login.omit({ url: true })

/** A token this close to its end is renewed before it is sent. */
const EARLY_S = 30
const LOCK_WAIT_MS = 15_000

/**
 * The login of HOME/config.json. Refresh tokens are single use, so two commands at once must not both spend one: under
 * a lock on the home the file is read again, and renewed only when nobody did so meanwhile.
 */
export function storedSession(home: Home): Session {
	async function renew(refused: string): Promise<string | null> {
		const lock = await waitForLock(home.file('config.lock'), LOCK_WAIT_MS)
		try {
			const config = readConfig(home)
			if (!config.login) throw loggedOut()
			if (config.login.token !== refused) return config.login.token
			const { url, refreshToken } = config.login
			const tokens = await trpcMutation(new URL(url), 'user.refresh', { refreshToken }, Tokens)
			writeConfig(home, { ...config, login: { url, ...tokens } })
			return tokens.token
		} finally {
			lock.release()
		}
	}
	return {
		async bearer() {
			const { login } = readConfig(home)
			if (!login) throw loggedOut()
			if (secondsLeft(login.token) > EARLY_S) return login.token
			return (await renew(login.token)) ?? login.token
		},
		renewed: renew,
	}
}

function loggedOut(): LatticeError {
	return new LatticeError('UNAUTHENTICATED', 'You are not logged in; run "lattice login --console URL --email EMAIL".')
}

const Expiry = z.object({ exp: z.number() })

/** By the token's own word and this machine's clock; only to know when to renew. */
export function secondsLeft(bearer: string, nowMs: number = Date.now()): number {
	const [, payload = ''] = bearer.split('.')
	try {
		return Expiry.parse(JSON.parse(Buffer.from(payload, 'base64url').toString('utf8'))).exp - nowMs / 1000
	} catch {
		return 0 // no token of ours: asking for another is the way to find out
	}
}

const RENEWABLE = new Set(['TOKEN_EXPIRED', 'UNAUTHENTICATED', 'CERTIFICATE_EXPIRED'])

/** Runs a request with the session's token, and once more with a new one when it is refused as outdated. */
export async function withBearer<T>(session: Session, request: (bearer: string) => Promise<T>): Promise<T> {
	const bearer = await session.bearer()
	try {
		return await request(bearer)
	} catch (error) {
		if (!(error instanceof LatticeError) || !RENEWABLE.has(error.code)) throw error
		const renewed = await session.renewed(bearer)
		if (renewed === null || renewed === bearer) throw error
		return request(renewed)
	}
}
