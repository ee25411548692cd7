import {
	generateKey,
	issueAccessToken,
	issueClaim,
	issueIssuerCertificate,
	issueMembership,
	latticeIdOf,
	newInvite,
	peerIdOf,
	Trust,
	verifyJoinProof,
} from '../../agent/identity/index.ts'
import { createPeer, type Peer } from '../../agent/mesh/index.ts'
import { type ClaimGiven, CommandResult, LatticeError } from '../../agent/protocol/index.ts'

const silent = { debug: noop, info: noop, warn: noop, error: noop }
function noop(): void {
	// the fixture's peer has nothing to say
}

export interface IssuerFixture {
	peer: Peer
	trust: Trust
	latticeId: string
	/** one that any number of joiners may redeem: single use is the console's business and tested there */
	invite(): string
	bearer(user: { id: string; email: string; role: 'owner' | 'admin' | 'member' }): Promise<string>
	stop(): Promise<void>
}

/** The issuing side of a lattice as an agent sees it: a real peer of role console that issues, and reserves names. */
export async function startIssuer(): Promise<IssuerFixture> {
	const root = generateKey()
	const issuer = generateKey()
	const latticeId = latticeIdOf(root.publicKey)
	const trust = new Trust({ latticeId, rootPublicKey: root.publicKey })
	await trust.addIssuer(
		await issueIssuerCertificate(root, {
			latticeId,
			publicKey: issuer.publicKey,
			notAfter: new Date(Date.now() + 86_400_000),
		}),
	)
	const key = generateKey()
	const certificate = await issueMembership(issuer, {
		latticeId,
		peerId: peerIdOf(key.publicKey),
		name: 'console',
		role: 'console',
		labels: {},
		gateway: false,
	})
	const peer = await createPeer({
		key,
		listen: ['/ip4/127.0.0.1/tcp/0'],
		trust: () => trust,
		certificate: () => certificate,
		log: silent,
	})
	const invites = new Map<string, string>()
	const names = new Map<string, ClaimGiven & { commandId: string }>()
	peer.handleJoin(async (request) => {
		const inviteKey = invites.get(request.inviteId)
		const { proof, ...facts } = request
		if (!inviteKey || !verifyJoinProof(inviteKey, { ...facts, latticeId }, proof))
			throw new LatticeError('INVITE_INVALID', 'no such invite')
		return {
			latticeId,
			rootPublicKey: root.publicKey,
			issuers: trust.issuers(),
			certificate: await issueMembership(issuer, {
				latticeId,
				peerId: request.peerId,
				name: request.name,
				role: 'agent',
				labels: request.labels,
				gateway: request.gateway,
			}),
			members: [{ peerId: peer.peerId, name: 'console', addresses: peer.addresses() }],
		}
	})
	peer.handleCommands(async function* (request) {
		const { credential, grant, command } = request
		const { subject } = await trust.verifyAuthority({ credential, grant, command, audience: peer.peerId })
		if (command.kind === 'unclaim') {
			names.delete(`${subject.userId}/${command.name}`)
			yield { type: 'result', result: CommandResult.parse({}) }
			return
		}
		if (command.kind !== 'claim') throw new LatticeError('FORBIDDEN', 'the console runs nothing')
		const { name, commandId, workloadId } = command
		const held = names.get(`${subject.userId}/${name}`)
		if (held && held.commandId !== commandId) throw new LatticeError('NAME_TAKEN', `${name} is taken`)
		const { placement, attempt: decision } = command
		if (placement === null) throw new LatticeError('NOT_FOUND', 'nobody has placed it')
		const decided = { decision, generation: 1, workloadId }
		const order = { owner: subject.userId, name, commandId, latticeId, by: peer.peerId, chosen: placement.chosen }
		const token = held ? '' : await issueClaim(issuer, { ...order, ...decided })
		const claim = held ?? { commandId, token, placement, ...decided, own: true }
		names.set(`${subject.userId}/${name}`, claim)
		yield { type: 'result', result: CommandResult.parse({ claim }) }
	})
	await peer.start()
	return {
		peer,
		trust,
		latticeId,
		invite() {
			const invite = newInvite({ latticeId, addresses: peer.addresses(), ttlSeconds: 600 })
			invites.set(invite.inviteId, invite.key)
			return invite.token
		},
		bearer: async (user) => (await issueAccessToken(issuer, { latticeId, user, version: 1 })).bearer,
		stop: () => peer.stop(),
	}
}
