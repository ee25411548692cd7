import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { ObservedContainer } from '../runtime/runtime.ts'
import type { ReplicaRow } from '../store/assignments.ts'
import { backoffMs, containerName, type Operation, type PlanInput, plan, type Readiness } from './plan.ts'

const ID = 'w_00000000000000000000'
const NOW = Date.parse('2026-01-01T00:00:00Z')

function row(change: Partial<ReplicaRow> = {}): ReplicaRow {
	return {
		workloadId: ID,
		index: 0,
		phase: 'accepted',
		status: 'pending',
		reason: null,
		error: null,
		containerId: null,
		restartNonce: null,
		ports: [],
		settledOnce: false,
		restarts: 0,
		startedAt: null,
		exitCode: null,
		...change,
	}
}

function container(change: Partial<ObservedContainer> = {}, replica = 0, generation = 1): ObservedContainer {
	return {
		id: `c${replica}`,
		name: containerName(ID, replica),
		labels: { 'lattice.replica': String(replica), 'lattice.generation': String(generation) },
		image: 'app:1',
		state: 'running',
		health: 'none',
		exitCode: null,
		oomKilled: false,
		error: null,
		startedAt: new Date(NOW - 60_000).toISOString(),
		finishedAt: null,
		restarts: 0,
		keptRunning: true,
		address: '10.0.0.2',
		ports: [],
		...change,
	}
}

function input(change: Partial<PlanInput> = {}): PlanInput {
	return {
		assignment: { workloadId: ID, generation: 1, desired: 'running', restartNonce: null },
		replicas: [row()],
		observed: [],
		image: 'app:1',
		imagePresent: true,
		readiness: new Map<number, Readiness>([[0, 'ready']]),
		now: NOW,
		engineSince: NOW - 86_400_000,
		readyDeadlineMs: 120_000,
		...change,
	}
}

const names = (operations: Operation[]) => operations.map((operation) => operation.op)

describe('plan', () => {
	it('makes what is missing, and pulls only an absent image', () => {
		expect(names(plan(input()))).toEqual(['prepare', 'create', 'start'])
		expect(names(plan(input({ imagePresent: false })))).toEqual(['pull', 'prepare', 'create', 'start'])
	})

	it('goes on from a container that a killed agent left created', () => {
		expect(names(plan(input({ observed: [container({ state: 'created', startedAt: null })] })))).toEqual(['start'])
	})

	it('removes a container of the same replica that bears another name', () => {
		const twin = container({ id: 'twin', name: 'other' })
		expect(
			plan(input({ observed: [container(), twin], replicas: [row({ status: 'running', settledOnce: true })] })),
		).toEqual([{ op: 'remove', replica: null, containerId: 'twin' }])
	})

	it('replaces a container of an older generation', () => {
		const assignment = { workloadId: ID, generation: 2, desired: 'running' as const, restartNonce: null }
		expect(names(plan(input({ assignment, observed: [container()] })))).toEqual(['stop', 'remove', 'await'])
	})

	it('fails a first start that ends, with the exit code and a remedy', () => {
		const replicas = [row({ phase: 'started', status: 'starting' })]
		const [operation] = plan(input({ replicas, observed: [container({ state: 'exited', exitCode: 3 })] }))
		expect(operation).toMatchObject({ op: 'fail', error: { code: 'CONTAINER_EXITED', facts: { exitCode: 3 } } })
	})

	it('keeps running by the engine only what is proven, and makes up for an agent that died before', () => {
		const fresh = container({ keptRunning: false })
		expect(names(plan(input({ replicas: [row({ status: 'starting' })], observed: [fresh] })))).toEqual(['mark'])
		const replicas = [row({ status: 'running', settledOnce: true })]
		expect(names(plan(input({ replicas, observed: [fresh] })))).toEqual(['keep'])
		const ill = container({ keptRunning: false, health: 'unhealthy' })
		expect(names(plan(input({ replicas, observed: [ill] })))).toEqual(['mark', 'keep'])
		const young = new Map<number, Readiness>([[0, 'young']])
		const replica = [row({ status: 'running' })]
		expect(names(plan(input({ replicas: replica, observed: [fresh], readiness: young })))).toEqual(['await'])
	})

	it('starts again what the engine took down with it before it was proven', () => {
		const replicas = [row({ phase: 'started', status: 'starting' })]
		const cut = [container({ state: 'exited', exitCode: 137, keptRunning: false })]
		expect(names(plan(input({ replicas, observed: cut })))).toEqual(['fail'])
		expect(names(plan(input({ replicas, observed: cut, engineSince: NOW - 1000 })))).toEqual(['start'])
	})

	it('restarts what ran before with growing pauses', () => {
		const finishedAt = new Date(NOW).toISOString()
		const replicas = [row({ status: 'running', settledOnce: true, restarts: 3 })]
		const observed = [container({ state: 'exited', exitCode: 1, finishedAt })]
		expect(names(plan(input({ replicas, observed })))).toEqual(['mark', 'await'])
		expect(names(plan(input({ replicas, observed, now: NOW + backoffMs(3) })))).toEqual(['start'])
	})

	it('restarts once for a nonce, also when the agent died between stop and start', () => {
		const assignment = { workloadId: ID, generation: 1, desired: 'running' as const, restartNonce: 'n1' }
		const replicas = [row({ status: 'running', settledOnce: true })]
		expect(names(plan(input({ assignment, replicas, observed: [container()] })))).toEqual([
			'stop',
			'acknowledge-restart',
			'start',
		])
		const stopped = [container({ state: 'exited', exitCode: 0 })]
		expect(names(plan(input({ assignment, replicas, observed: stopped })))).toEqual(['acknowledge-restart', 'start'])
	})

	it('never touches a failed replica again until it is told to', () => {
		expect(plan(input({ replicas: [row({ status: 'failed' })] }))).toEqual([])
	})

	it('has nothing to do once all is as desired', () => {
		const replicas = [row({ status: 'running', settledOnce: true })]
		expect(plan(input({ replicas, observed: [container()] }))).toEqual([])
	})
})

/** A small engine that obeys a plan up to the operation at which the agent is killed. */
function obey(
	world: { replicas: ReplicaRow[]; observed: ObservedContainer[]; gone: boolean; present: boolean },
	operations: Operation[],
	killAfter: number,
	generation: number,
	nonce: string | null,
): void {
	for (const operation of operations.slice(0, killAfter)) {
		const find = (id: string | null, replica: number) =>
			world.observed.find(
				(each) => each.id === id || (id === null && each.labels['lattice.replica'] === String(replica)),
			)
		const update = (replica: number, change: Partial<ReplicaRow>) => {
			world.replicas = world.replicas.map((each) => (each.index === replica ? { ...each, ...change } : each))
		}
		switch (operation.op) {
			case 'pull':
				world.present = true
				break
			case 'create':
				if (!find(null, operation.replica))
					world.observed.push(
						container(
							{ id: `c${operation.replica}-${generation}`, state: 'created', startedAt: null, keptRunning: false },
							operation.replica,
							generation,
						),
					)
				break
			case 'start': {
				const target = find(operation.containerId, operation.replica)
				if (target) Object.assign(target, { state: 'running', startedAt: new Date(NOW).toISOString() })
				break
			}
			case 'keep': {
				const target = find(operation.containerId, operation.replica)
				if (target) Object.assign(target, { keptRunning: true })
				break
			}
			case 'stop': {
				const target = find(operation.containerId, operation.replica)
				if (target)
					Object.assign(target, { state: 'exited', exitCode: 0, finishedAt: new Date(NOW - 120_000).toISOString() })
				break
			}
			case 'remove':
				world.observed = world.observed.filter((each) => each.id !== operation.containerId)
				break
			case 'acknowledge-restart':
				update(operation.replica, { restartNonce: nonce })
				break
			case 'mark':
				update(operation.replica, {
					status: operation.status,
					reason: operation.reason,
					...(operation.settled ? { settledOnce: true } : {}),
				})
				break
			case 'drop-replica':
				world.replicas = world.replicas.filter((each) => each.index !== operation.replica)
				break
			case 'forget':
				world.gone = true
				break
			case 'fail':
			case 'prepare':
			case 'clean':
			case 'await':
				break
		}
	}
}

describe('plan, from any state and killed anywhere', () => {
	it('always ends in exactly the containers that are desired', () => {
		const state = fc.record({
			desired: fc.constantFrom('running', 'stopped', 'deleted') as fc.Arbitrary<'running' | 'stopped' | 'deleted'>,
			generation: fc.constantFrom(1, 2),
			nonce: fc.constantFrom(null, 'n1'),
			replicas: fc.uniqueArray(fc.record({ index: fc.nat(3), leaving: fc.boolean(), settled: fc.boolean() }), {
				selector: (each) => each.index,
				maxLength: 4,
			}),
			observed: fc.array(
				fc.record({
					replica: fc.nat(4),
					state: fc.constantFrom('created', 'running', 'exited', 'dead') as fc.Arbitrary<ObservedContainer['state']>,
					old: fc.boolean(),
					stray: fc.boolean(),
				}),
				{ maxLength: 5 },
			),
			present: fc.boolean(),
			kills: fc.array(fc.nat(6), { maxLength: 12 }),
		})
		fc.assert(
			fc.property(state, (given) => {
				const seen = new Set<string>()
				const world = {
					gone: false,
					present: given.present,
					replicas: given.replicas.map((each) =>
						row({
							index: each.index,
							phase: each.leaving ? 'leaving' : 'accepted',
							settledOnce: true,
							status: each.settled ? 'running' : 'pending',
						}),
					),
					observed: given.observed.flatMap((each, position) => {
						const name = each.stray ? `stray${position}` : containerName(ID, each.replica)
						if (seen.has(name)) return []
						seen.add(name)
						return [
							container(
								{
									id: `o${position}`,
									name,
									state: each.state,
									exitCode: 0,
									finishedAt: new Date(NOW - 120_000).toISOString(),
								},
								each.replica,
								each.old ? 1 : given.generation,
							),
						]
					}),
				}
				const assignment = {
					workloadId: ID,
					generation: given.generation,
					desired: given.desired,
					restartNonce: given.nonce,
				}
				for (let round = 0; round < 60 && !world.gone; round++) {
					const readiness = new Map<number, Readiness>(world.replicas.map((each) => [each.index, 'ready']))
					const operations = plan({
						...input(),
						assignment,
						replicas: world.replicas,
						observed: world.observed,
						imagePresent: world.present,
						readiness,
					})
					if (operations.length === 0) break
					obey(world, operations, given.kills[round] ?? operations.length, given.generation, given.nonce)
				}
				const staying = given.replicas
					.filter((each) => !each.leaving)
					.map((each) => containerName(ID, each.index))
					.sort()
				const up = world.observed
					.filter((each) => each.state === 'running')
					.map((each) => each.name)
					.sort()
				if (given.desired === 'deleted') expect([world.gone, world.observed]).toEqual([true, []])
				else if (given.desired === 'running') {
					expect(up).toEqual(staying)
					expect(world.observed.filter(({ keptRunning }) => !keptRunning)).toEqual([])
				} else expect(up).toEqual([])
			}),
			{ numRuns: 2000 },
		)
	})
})
