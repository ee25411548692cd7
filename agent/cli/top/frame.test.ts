import { expect, it } from 'vitest'
import type { Node, Sample, Workload } from '../../protocol/index.ts'
import { topFrame } from './frame.ts'

const MIB = 1024 ** 2
const sample = (of: Partial<Sample>): Sample => ({
	workloadId: null,
	replica: null,
	at: '2026-11-25T00:00:00.000Z',
	cpu: null,
	cpuLimit: null,
	memoryBytes: null,
	memoryLimitBytes: null,
	diskBytes: null,
	diskLimitBytes: null,
	rxRate: null,
	txRate: null,
	readRate: null,
	writeRate: null,
	...of,
})
const node = (name: string): Node => ({
	peerId: name,
	name,
	status: 'alive',
	labels: {},
	capacity: { cpus: 2, memoryBytes: 1, diskBytes: 1 },
	allocated: { cpus: 0, memoryBytes: 0, diskBytes: 0 },
	arch: 'x64',
	engine: { ready: true, reason: null, version: null },
	gateway: false,
	lastSeenAt: '',
})
const workload = (id: string, name: string, replicas = 1) =>
	({ id, name, status: 'running', replicas, node: { peerId: 'atlas', name: 'atlas' } }) as Workload

it('shows machines, and workloads with the busiest first, their replicas added up', () => {
	const used = { memoryBytes: 64 * MIB, memoryLimitBytes: 128 * MIB, cpuLimit: 0.5 }
	const lines = topFrame(
		{
			nodes: [node('atlas'), node('heron')],
			workloads: [workload('w_1', 'calm'), workload('w_2', 'busy', 2)],
			usage: [
				{
					node: { peerId: 'atlas', name: 'atlas' },
					samples: [
						sample({ cpu: 1, cpuLimit: 2, diskBytes: 1, diskLimitBytes: 4 }),
						sample({ workloadId: 'w_1', replica: 0, cpu: 0.1, ...used }),
						sample({ workloadId: 'w_2', replica: 0, cpu: 0.2, ...used }),
						sample({ workloadId: 'w_2', replica: 1, cpu: 0.3, ...used }),
					],
					error: null,
				},
				{
					node: { peerId: 'heron', name: 'heron' },
					samples: [],
					error: { code: 'HOST_UNREACHABLE', message: 'It does not answer.', facts: {} },
				},
			],
		},
		{ columns: 200, rows: 40 },
	)
	expect(lines[0]).toBe('2 of 2 nodes alive, 2 of 2 workloads running')
	expect(lines[3]).toMatch(/^atlas +alive +█{5}░{5} +1\.00\/2 .* 25 %/)
	expect(lines[4]).toMatch(/^heron +alive +·{10} +-/)
	expect(lines[7]).toMatch(/^busy ×2 +running +atlas +0\.50\/1 +█{5}░{5} +128 MiB\/256 MiB/)
	expect(lines[8]).toMatch(/^calm +running/)
	expect(lines.at(-1)).toBe('heron: HOST_UNREACHABLE: It does not answer.')
})

it('never writes past the terminal', () => {
	const workloads = Array.from({ length: 100 }, (_, index) => workload(`w_${index}`, `name-${index}`))
	const lines = topFrame({ nodes: [node('atlas')], workloads, usage: [] }, { columns: 30, rows: 10 })
	expect(lines.length).toBe(9)
	expect(Math.max(...lines.map((line) => [...line].length))).toBeLessThanOrEqual(30)
})
