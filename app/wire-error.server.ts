import { data, redirect } from '@remix-run/node'
import { ERROR_STATUS, WireError } from '../agent/protocol/errors.ts'

/**
 * Services throw LatticeError of the module that server.ts loaded; this bundle holds its own copy of that class, so
 * `instanceof` would be false for the very errors that matter. The wire form is the same on both sides.
 */
export function wireErrorOf(thrown: unknown): WireError | null {
	if (!(thrown instanceof Error) || thrown.name !== 'LatticeError' || !('code' in thrown)) return null
	const facts = 'facts' in thrown ? thrown.facts : {}
	const parsed = WireError.safeParse({ code: thrown.code, message: thrown.message, facts })
	return parsed.success ? parsed.data : null
}

export function isWireError(thrown: unknown): boolean {
	return wireErrorOf(thrown) !== null
}

/** For loaders: a refusal becomes the route's error page with its own status; a defect goes on as it is. */
export async function answered<T>(work: Promise<T>): Promise<T> {
	try {
		return await work
	} catch (thrown) {
		const error = wireErrorOf(thrown)
		if (!error) throw thrown
		if (error.code === 'UNAUTHENTICATED') throw redirect('/login')
		throw data(error, { status: ERROR_STATUS[error.code] })
	}
}

/** For actions: a refusal to show beside the form, which keeps what was typed. */
export function refusal(thrown: unknown): WireError {
	const error = wireErrorOf(thrown)
	if (!error) throw thrown
	return error
}

export function statusOf(error: WireError): number {
	return ERROR_STATUS[error.code]
}
