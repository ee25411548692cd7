export { canonicalJson } from './canonical-json.ts'
export * from './certificates.ts'
export type { ClaimClaims, MembershipClaims, RevocationKind, Subject, UserRole } from './claims.ts'
export { joinBearer, signGrant, splitBearer } from './grants.ts'
export {
	inviteKey,
	type JoinFacts,
	joinProof,
	type NewInvite,
	newInvite,
	parseInvite,
	verifyJoinProof,
} from './invites.ts'
export {
	generateKey,
	keyFromSeed,
	latticeIdOf,
	peerIdOf,
	publicKeyOfPeer,
	type SigningKey,
	thumbprint,
} from './keys.ts'
export { type Chosen, type Hosts, hostsOf, warrantOf } from './order-proofs.ts'
export { ReportProofs } from './report-proofs.ts'
export { Keyring, type KeyringKeys, keyIdOf } from './sealed.ts'
export { type Learned, peekClaim, Trust } from './trust.ts'
export { workloadIdOf } from './workload-id.ts'
