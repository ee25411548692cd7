import type { Refusal } from './tokens.ts'

/** What a refused token is called, the code it answers with, and the remedy a person reads. */
export const REFUSALS = {
	issuer: {
		what: "This issuer's certificate",
		remedy: 'check that both machines belong to the same lattice',
		invalid: 'CERTIFICATE_INVALID',
		expired: 'CERTIFICATE_EXPIRED',
	},
	member: {
		what: 'This membership certificate',
		remedy: 'let the node renew it while the console is reachable, or join again with a new invite',
		invalid: 'CERTIFICATE_INVALID',
		expired: 'CERTIFICATE_EXPIRED',
	},
	access: {
		what: 'This token',
		remedy: 'log in again',
		invalid: 'UNAUTHENTICATED',
		expired: 'TOKEN_EXPIRED',
	},
	claim: {
		what: 'The claim of this order',
		remedy: 'send the order again, so that its name is reserved anew',
		invalid: 'CLAIM_INVALID',
		expired: 'CLAIM_INVALID',
	},
	revocation: {
		what: 'This revocation',
		remedy: 'revoke again from the console of this lattice',
		invalid: 'CERTIFICATE_INVALID',
		expired: 'CERTIFICATE_EXPIRED',
	},
} as const satisfies Record<string, Refusal>
