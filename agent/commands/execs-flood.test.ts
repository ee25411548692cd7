import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { pair } from '../mesh/host.fixture.ts'
import { Peers } from '../mesh/peers.fixture.ts'
import type { ExecInput } from '../protocol/index.ts'
import type { Assignment, ReplicaRow } from '../store/assignments.ts'
import { Execs } from './execs.ts'

let peers: Peers
beforeEach(async () => {
	peers = await Peers.create()
})
afterEach(() => peers.stop())

const BLOCK = Buffer.alloc(64 * 1024, 'x').toString('base64')
const BLOCKS = 256

/** A real pipe: its program stops reading when nobody reads it, and with that its person's input. */
function cat() {
	const child = spawn('cat')
	return {
		output: (async function* () {
			for await (const data of child.stdout as AsyncIterable<Buffer>) yield { stream: 'stdout' as const, data }
		})(),
		write: async (data: Uint8Array) => {
			if (!child.stdin.write(data)) await once(child.stdin, 'drain')
		},
		end: () => void child.stdin.end(),
		resize: async () => undefined,
		exitCode: async () => child.exitCode ?? (await once(child, 'exit'))[0],
		close: async () => void child.kill(),
	}
}

test('16 MiB through a program and back over the mesh: a pipe that is full holds its writer, not the stream', async () => {
	const { host, caller } = await pair(peers)
	const execs = new Execs({
		runtime: { exec: async () => cat() },
		assignments: {
			get: () => ({ owner: 'ada' }) as Assignment,
			replicas: () => [{ index: 0, containerId: 'c', status: 'running' } as ReplicaRow],
		},
		log: { info: () => undefined, warn: (facts) => expect.fail(JSON.stringify(facts)) },
	})
	const ada = { userId: 'ada', email: 'a@x', role: 'member', kind: 'access' } as const
	const command = { kind: 'exec' as const, workloadId: 'w_0', replica: null, command: ['cat'] }
	host.peer.handleExec((_request, input, { signal }) =>
		execs.run({ ...command, tty: false, columns: 80, rows: 24 }, ada, input, { from: 'caller', signal }),
	)
	async function* flood(): AsyncGenerator<ExecInput> {
		for (let count = 0; count < BLOCKS; count++) yield { type: 'data', data: BLOCK }
		yield { type: 'end' }
	}
	const request = await peers.order(host.peer.peerId)
	let received = 0
	let code: number | null = null
	const { signal } = new AbortController()
	for await (const frame of caller.peer.exec(host.peer.peerId, request, flood(), { signal })) {
		if (frame.type === 'data') received += Buffer.from(frame.data, 'base64').length
		if (frame.type === 'exit') code = frame.code
	}
	expect([received, code]).toEqual([BLOCKS * 64 * 1024, 0])
})
