import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { LatticeError } from '../protocol/index.ts'
import { FakeLattice, OWNER } from './fake-lattice.fixture.ts'
import { resultOf } from './results.ts'

const NAMES = ['a', 'b', 'c', 'd']
const ORDER = { name: 'app', type: 'custom', config: { image: 'app:1' }, commandId: 'one-order-1' }
const never = new AbortController().signal

interface Story {
	entries: [string, string]
	/** each host's refusals before it has room */
	full: Record<string, number>
	/** dies when so many messages have passed; everybody knows it at once */
	dies: { who: string; after: number } | null
}

const story: fc.Arbitrary<Story> = fc.record({
	entries: fc.tuple(fc.constantFrom(...NAMES), fc.constantFrom(...NAMES)),
	full: fc.record(Object.fromEntries(NAMES.map((name) => [name, fc.nat(2)]))),
	dies: fc.option(fc.record({ who: fc.constantFrom(...NAMES), after: fc.nat(14) })),
})

/** The outcome of an order: its host, or the code of what it was refused with. */
type End = { host: string } | { code: string }

function order(lattice: FakeLattice, entry: string, given = ORDER): Promise<End> {
	return resultOf(lattice.entry(entry).deploy(OWNER, given, never)).then(
		({ report }) => ({ host: report?.node.peerId ?? '' }),
		(thrown: unknown) => ({ code: LatticeError.from(thrown).code }),
	)
}

/** A lattice whose messages pass in the order that the scheduler chooses, with what the story says happening to it. */
function begin(scheduler: fc.Scheduler, { full, dies }: Story): FakeLattice {
	let passed = 0
	const lattice = new FakeLattice(NAMES, async (what) => {
		await scheduler.schedule(Promise.resolve(), what)
		passed += 1
		if (dies?.after !== passed) return
		lattice.kill(dies.who)
		lattice.judge(dies.who, 'down')
	})
	for (const host of lattice.hosts) {
		let refusals = full[host.name] ?? 0
		host.answer = () => {
			if (refusals-- > 0) throw new LatticeError('NODE_REFUSED', `${host.name} is full`)
		}
	}
	return lattice
}

describe('one order given at two nodes at once', () => {
	it('runs on one host, in whatever order their messages pass', async () => {
		await fc.assert(
			fc.asyncProperty(fc.scheduler(), story, async (scheduler, told) => {
				const lattice = begin(scheduler, { ...told, dies: null })
				const ends = await scheduler.waitFor(Promise.all(told.entries.map((entry) => order(lattice, entry))))
				const places = lattice.placesOf('app')
				expect(places.length).toBeLessThanOrEqual(1)
				for (const end of ends) {
					if ('host' in end) expect([end.host]).toEqual(places)
					// When there was room nowhere; another try may have come when there was.
					else expect(end).toEqual({ code: 'NO_NODE_FITS' })
				}
			}),
			{ numRuns: 150 },
		)
	})

	it('runs on one host when a partition has healed, the one that was ordered first, and all agree', async () => {
		const sides = fc.subarray(NAMES, { minLength: 1, maxLength: NAMES.length - 1 })
		await fc.assert(
			fc.asyncProperty(
				sides,
				fc.nat(3),
				fc.nat(3),
				fc.integer({ min: 1, max: 3 }),
				async (side, one, two, replicas) => {
					const lattice = new FakeLattice(NAMES)
					const others = NAMES.filter((name) => !side.includes(name))
					lattice.cut(side)
					const given = { ...ORDER, config: { ...ORDER.config, replicas } }
					const ends: End[] = []
					for (const [names, entry] of [[side, one] as const, [others, two] as const]) {
						ends.push(await order(lattice, names[entry % names.length] ?? '', given))
					}
					expect(lattice.placesOf('app')).toHaveLength(2 * replicas)
					await lattice.heard()
					lattice.heal()
					await lattice.heard()
					const places = lattice.placesOf('app').sort()
					expect(places).toHaveLength(replicas)
					for (const place of places) expect(side).toContain(place)
					const views = lattice.hosts.map(({ entry }) => {
						const [seen] = entry.list(OWNER)
						return { node: seen?.node, replicas: seen?.replicas.map(({ index }) => index) }
					})
					expect(views).toEqual(views.map(() => views[0]))
					expect(views[0]?.replicas).toEqual(Array.from({ length: replicas }, (_, index) => index))
				},
			),
			{ numRuns: 30 },
		)
	})

	it('runs on one host, or none, when one of those that work on it dies at any step, and can be given again', async () => {
		await fc.assert(
			fc.asyncProperty(fc.scheduler(), story, async (scheduler, told) => {
				const lattice = begin(scheduler, told)
				const dead = () => lattice.hosts.filter((host) => host.dead).map(({ name }) => name)
				const attempt = (entry: string) => Promise.race([order(lattice, entry), lattice.host(entry).death.promise])
				await scheduler.waitFor(Promise.all(told.entries.map(attempt)))
				expect(lattice.placesOf('app').length).toBeLessThanOrEqual(1)
				const entry = NAMES.find((name) => !dead().includes(name)) ?? ''
				const again = await scheduler.waitFor(attempt(entry))
				const places = lattice.placesOf('app')
				expect(places.length).toBeLessThanOrEqual(1)
				if (!again) expect(dead()).toContain(entry)
				else if ('host' in again) expect([again.host]).toEqual(places)
				// The host that was chosen is the one that died: whether it has the order only it can say.
				else if (again.code === 'HOST_UNREACHABLE') expect(dead()).toHaveLength(1)
				else expect({ again, places }).toEqual({ again: { code: 'NO_NODE_FITS' }, places: [] })
			}),
			{ numRuns: 150 },
		)
	}, 120_000)
})
