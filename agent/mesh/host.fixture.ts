import type { Command, CommandFrame } from '../protocol/index.ts'
import { LatticeError } from '../protocol/index.ts'
import type { Peers, TestPeer } from './peers.fixture.ts'

export const DONE: CommandFrame = {
	type: 'result',
	result: {
		report: null,
		reports: [],
		nodes: null,
		routes: null,
		peers: null,
		measured: null,
		credentials: null,
		claim: null,
	},
}

/** A host that checks every order as agent/commands does: the chain, then the jti against its journal. */
export function obey(host: TestPeer): { done: Command[] } {
	const journal = new Set<string>()
	const done: Command[] = []
	host.peer.handleCommands(async function* ({ credential, grant, command }) {
		const { trust } = host.enrolment
		if (trust === null) throw new LatticeError('NOT_READY', 'No trust yet.')
		const { jti } = await trust.verifyAuthority({ credential, grant, command, audience: host.peer.peerId })
		if (journal.has(jti)) throw new LatticeError('GRANT_REPLAYED', 'This grant was used; send the command again.')
		journal.add(jti)
		done.push(command)
		yield DONE
	})
	return { done }
}

export function logs(text: string): CommandFrame {
	return { type: 'logs', lines: [{ at: '2026-11-24T00:00:00Z', stream: 'stdout', text, replica: 0 }] }
}

export async function pair(peers: Peers): Promise<{ host: TestPeer; caller: TestPeer }> {
	const host = await peers.member('host')
	const caller = await peers.member('caller')
	await caller.peer.dial(host.member)
	return { host, caller }
}
