import type { Workload } from '../../agent/protocol/index.ts'
import { CHATTER, createLattice, type TestLattice } from '../cluster/lattice.ts'
import type { Machine } from '../cluster/machine.ts'
import { residentMiB } from './cables.ts'
import { type BenchRow, percentile, row } from './row.ts'

/** Milliseconds that an order may take longer when another node takes it. */
const GOAL_MS = 20
const GONE_MS = 30_000

/**
 * Two machines of a lab with their own engines: the same order for h2 at h2 itself and at h1, in turn, until the answer
 * says that it runs. The console is alive: both ways ask it for the name.
 */
export async function forwarding(samples: number, say: (line: string) => void): Promise<BenchRow[]> {
	say('forwarded deployments, two machines …')
	const lattice = await createLattice({ hosts: 2 })
	try {
		await lattice.allSee({ h1: 'alive', h2: 'alive' }, lattice.machines, GONE_MS)
		const { h1, h2 } = lattice
		const times: Record<'there' | 'forwarded', number[]> = { there: [], forwarded: [] }
		// One of each first, unmeasured; then first one way, then the other, so that neither always follows the other.
		for (let sample = -1; sample < samples; sample++) {
			const ways = [['there', h2] as const, ['forwarded', h1] as const]
			for (const [way, entry] of sample % 2 === 0 ? ways : ways.reverse()) {
				const ms = await order(lattice, entry, `${way}-${sample + 1}`)
				if (sample >= 0) times[way].push(ms)
			}
		}
		const [there, forwarded] = [percentile(times.there, 0.5), percentile(times.forwarded, 0.5)]
		return [
			row('order at its host → running, p50', there, 'ms'),
			row('order at another node → running, p50', forwarded, 'ms'),
			row('order at another node → running, p99', percentile(times.forwarded, 0.99), 'ms'),
			row('extra cost of forwarding, p50', forwarded - there, 'ms', GOAL_MS),
			...(await residents(lattice.machines)),
		]
	} finally {
		await lattice.down()
	}
}

async function order(lattice: TestLattice, entry: Machine, name: string): Promise<number> {
	const body = { name, type: 'custom', config: { ...CHATTER, node: 'h2' } }
	await lattice.freshBearer()
	const began = performance.now()
	const { status, body: answer } = await lattice.rest<Workload>(entry, 'POST', '/api/workloads/deploy', body)
	const ms = performance.now() - began
	if (status !== 201) throw new Error(`${name}: ${JSON.stringify(answer)}`)
	await lattice.rest(lattice.h2, 'DELETE', `/api/workloads/${answer.id}`)
	return ms
}

async function residents(machines: readonly Machine[]): Promise<BenchRow[]> {
	const rows: BenchRow[] = []
	for (const machine of machines) {
		const pid = await machine.pidOf('agent')
		if (pid !== null) rows.push(row(`agent of ${machine.name}, resident`, await residentMiB(pid), 'MiB'))
	}
	return rows
}
