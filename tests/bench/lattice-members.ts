import type { ChildProcess } from 'node:child_process'
import { join } from 'node:path'
import { type LatticeFixture, latticeFixture } from '../../agent/identity/lattice.fixture.ts'
import type { Box } from './cables.ts'
import { type Contender, type Contestant, Hearings } from './contestant.ts'
import type { MemberAsked, MemberSays, MemberStart } from './member.ts'

const START_MS = 120_000
const HEAR_MS = 30_000
const POLL_MS = 50

/** The mesh of Lattice's agents: libp2p, admission, gossip and membership as the agent runs them, without an engine. */
export const lattice: Contestant = {
	name: 'lattice',
	async start(boxes) {
		const fixture = await latticeFixture()
		const members: Member[] = []
		try {
			for (const box of boxes) {
				const [first] = members
				members.push(await Member.start(box, fixture, first ? [first.known] : []))
				// One after the other: a hundred handshakes at once would be the first thing that is measured.
				await wholeBy(members, START_MS)
			}
			return members
		} catch (error) {
			for (const member of members) member.kill()
			throw error
		}
	},
}

async function wholeBy(members: readonly Member[], limitMs: number): Promise<void> {
	const deadline = performance.now() + limitMs
	while (!members.every((member) => member.knows(members.length))) {
		if (performance.now() > deadline) {
			const states = members.map((member) => member.state).join(', ')
			throw new Error(`${members.length} members do not all know each other (alive/connected): ${states}`)
		}
		await new Promise((resolve) => setTimeout(resolve, POLL_MS))
	}
}

class Member implements Contender {
	readonly known: MemberStart['known'][number]
	readonly #child: ChildProcess
	readonly #hearings: Hearings
	#state = { alive: 0, missing: 0, connected: 0 }

	private constructor(child: ChildProcess, hearings: Hearings, known: MemberStart['known'][number]) {
		this.#child = child
		this.#hearings = hearings
		this.known = known
		child.on('message', (said: MemberSays) => {
			if (said.kind === 'state') this.#state = said
			else if (said.kind === 'said') hearings.tell(`said ${said.value}`, said.at)
			else if (said.kind === 'heard') hearings.tell(`${said.of} ${said.value}`, said.at)
			else if (said.kind === 'lost') hearings.tell(`lost ${said.of}`, said.at)
		})
	}

	static async start(box: Box, fixture: LatticeFixture, known: MemberStart['known']): Promise<Member> {
		const { key, peerId, certificate } = await fixture.member(box.name)
		const { latticeId, root, issuerCertificate } = fixture
		const node = [process.execPath, '--max-semi-space-size=2', join(import.meta.dirname, 'member.ts')]
		const child = box.spawn(node, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
		const started = new Promise<string[]>((resolve, reject) => {
			child.on('message', (said: MemberSays) => said.kind === 'started' && resolve(said.addresses))
			child.once('exit', (code) => reject(new Error(`a member ended with ${code}`)))
		})
		const asked: MemberAsked = {
			...{ key, certificate, latticeId, rootPublicKey: root.publicKey, issuer: issuerCertificate },
			...{ name: box.name, ip: box.ip, known },
		}
		child.send(asked)
		return new Member(child, new Hearings(), { peerId, addresses: await started })
	}

	get pid(): number {
		return this.#child.pid ?? 0
	}

	get state(): string {
		return `${this.#state.alive}/${this.#state.connected}`
	}

	knows(count: number): boolean {
		return this.#state.alive === count && this.#state.connected === count - 1
	}

	change(value: number): Promise<number> {
		this.#child.send(value)
		return this.#hearings.of(`said ${value}`, HEAR_MS)
	}

	heard(of: number, value: number): Promise<number> {
		return this.#hearings.of(`n${of} ${value}`, HEAR_MS)
	}

	lost(of: number): Promise<number> {
		return this.#hearings.of(`lost n${of}`, HEAR_MS)
	}

	async missing(): Promise<number> {
		return this.#state.missing
	}

	kill(): void {
		this.#child.kill('SIGKILL')
	}
}
