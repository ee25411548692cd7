import { LatticeError } from '../../protocol/index.ts'

/** The SDK itself waits for ever for an edge that is silent. */
const PATIENCE_MS = 30_000

/** What comes too late is closed: nobody would use it. */
export async function inTime<T extends { close(): Promise<void> }>(opening: Promise<T>, ms = PATIENCE_MS): Promise<T> {
	const late = Promise.withResolvers<never>()
	const timer = setTimeout(() => late.reject(new LatticeError('TIMEOUT', `no answer within ${ms / 1000} s`)), ms)
	try {
		return await Promise.race([opening, late.promise])
	} catch (error) {
		// A refusal of what is given up, or of its closing, matters to nobody.
		opening.then((opened) => opened.close()).catch(() => undefined)
		throw error
	} finally {
		clearTimeout(timer)
	}
}
