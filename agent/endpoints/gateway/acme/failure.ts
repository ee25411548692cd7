/** `server`: it did not answer; `refused`: it answered that there will be no certificate, mostly since the name did not lead here. */
export type AcmeFailureKind = 'server' | 'refused'

/** Why an order brought no certificate, in a sentence for people. */
export class AcmeFailure extends Error {
	readonly kind: AcmeFailureKind

	constructor(kind: AcmeFailureKind, message: string, cause: unknown) {
		super(message, { cause })
		this.kind = kind
	}
}

const LONGEST = 300

/** Of what acme-client throws: errors of the network carry a code, what the server said is the message. */
export function failureOf(thrown: unknown, name: string, server: string): AcmeFailure {
	const { code, message = String(thrown) } = (thrown ?? {}) as { code?: unknown; message?: string }
	if (typeof code === 'string')
		return new AcmeFailure('server', `The ACME server ${server} does not answer (${code}).`, thrown)
	return new AcmeFailure('refused', `The ACME server ${server} refused ${name}: ${plainly(message)}`, thrown)
}

/** One line without control characters, of a length that fits below an endpoint: a server's words go to people's screens. */
function plainly(text: string): string {
	const line = text.replace(/\p{C}+/gu, ' ').trim()
	const cut = line.length > LONGEST ? `${line.slice(0, LONGEST)}…` : line
	return /[.!?…]$/.test(cut) ? cut : `${cut || 'no reason given'}.`
}
