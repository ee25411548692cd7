import { describe, expect, it } from 'vitest'
import { SampleReads } from '../commands/sample-reads.ts'
import type { CommandFrame, Sample, StatsSample } from '../protocol/index.ts'
import type { Assignment } from '../store/assignments.ts'
import { SampleStore } from './sample-store.ts'
import { Sampler } from './sampler.ts'

const WEB = 'w_00000000000000000000'
const OTHER = 'w_11111111111111111111'

function rig() {
	let round = 0
	const stats = async function* (id: string): AsyncIterable<StatsSample> {
		if (id === 'gone') throw new Error('no such container')
		yield {
			replica: 0,
			at: new Date(Date.UTC(2026, 0, 1) + round * 5_000).toISOString(),
			cpu: 0.5,
			memoryBytes: 7,
			memoryLimitBytes: 64,
			networkRxBytes: round * 500,
			networkTxBytes: 100 - round,
			pids: 1,
			diskReadBytes: null,
			diskWrittenBytes: round * 50,
		}
	}
	const store = new SampleStore(':memory:')
	const replica = (workloadId: string, containerId: string) => ({ workloadId, replica: 0, containerId, cpus: 2 })
	const sampler = new Sampler({
		runtime: { stats },
		machine: async () => ({
			at: round * 5_000,
			busySeconds: round * 10,
			cores: 4,
			memoryBytes: 1,
			memoryLimitBytes: 2,
			rxBytes: round * 5_000,
			txBytes: null,
			readBytes: 0,
			writtenBytes: 0,
		}),
		replicas: () => [replica(WEB, 'a'), replica(OTHER, 'b'), replica(WEB, 'gone')],
		disk: () => null,
		store,
		log: { warn: (facts) => expect.fail(JSON.stringify(facts)) },
	})
	const owners: Record<string, string> = { [WEB]: 'ada', [OTHER]: 'bob' }
	const assignments = {
		get: (id: string) => (owners[id] === undefined ? null : ({ owner: owners[id] } as Assignment)),
	}
	const reads = new SampleReads({ assignments, store, sampler })
	const sample = async () => {
		round++
		await sampler.sample()
	}
	return { sample, sampler, store, reads }
}

const ADA = { userId: 'ada', email: 'a@x', role: 'member', kind: 'access' } as const
const command = (more: object = {}) => ({
	kind: 'samples' as const,
	workloadId: null,
	replicas: true,
	resolution: 'fine' as const,
	since: null,
	follow: false,
	...more,
})
const samplesOf = async (frames: AsyncIterable<CommandFrame>): Promise<Sample[]> => {
	const all: Sample[] = []
	for await (const frame of frames) if (frame.type === 'samples') all.push(...frame.samples)
	return all
}

describe('the sampler', () => {
	it('makes rates of counters, and null of what cannot be known', async () => {
		const { sample, store } = rig()
		await sample()
		expect(store.read('fine', null)[0]).toMatchObject({ cpu: null, rxRate: null, cpuLimit: 4 })
		await sample()
		const [machine, web] = store.read('fine', null).slice(-3)
		expect(machine).toMatchObject({ workloadId: null, cpu: 2, rxRate: 1000, txRate: null, diskBytes: null })
		// the counter of what was sent went back: its container was started again
		expect(web).toMatchObject({
			workloadId: WEB,
			cpu: 0.5,
			cpuLimit: 2,
			rxRate: 100,
			txRate: null,
			readRate: null,
			writeRate: 10,
		})
	})

	it('shows the machine to everybody, a workload to its owner', async () => {
		const { sample, reads } = rig()
		await sample()
		const signal = new AbortController().signal
		const mine = await samplesOf(reads.samples(command(), ADA, signal))
		expect(mine.map(({ workloadId }) => workloadId)).toEqual([null, WEB])
		const all = await samplesOf(reads.samples(command(), { ...ADA, role: 'owner' }, signal))
		expect(all).toHaveLength(3)
		await expect(samplesOf(reads.samples(command({ workloadId: OTHER }), ADA, signal))).rejects.toMatchObject({
			code: 'NOT_FOUND',
		})
	})

	it('follows from the history on without a gap, and ends with its reader', async () => {
		const { sample, reads } = rig()
		await sample()
		const abort = new AbortController()
		const seen: number[] = []
		const reading = (async () => {
			for await (const frame of reads.samples(command({ workloadId: WEB, follow: true }), ADA, abort.signal)) {
				if (frame.type === 'samples') seen.push(frame.samples.length)
				if (seen.length === 1) await sample()
				if (seen.length === 3) abort.abort()
				else if (seen.length === 2) await sample()
			}
		})()
		await reading
		expect(seen).toEqual([1, 1, 1])
	})
})
