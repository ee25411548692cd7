import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { Command, CommandFrame, Sample } from '../../agent/protocol/index.ts'
import { CommandResult } from '../../agent/protocol/index.ts'
import { deleteOldPoints, readPoints } from '../../app/models/metric.server.ts'
import { LiveBus } from '../../app/services/live.server.ts'
import { MonitoringService } from '../../app/services/monitoring.server.ts'
import type { Actor, LiveEvent } from '../../app/services/services.ts'
import { type ConsoleGround, consoleGround } from './console-ground.ts'
import { type PostgresServer, startPostgres } from './console-postgres.ts'

let server: PostgresServer
let ground: ConsoleGround
let actor: Actor

beforeAll(async () => {
	server = await startPostgres()
})
afterAll(() => server?.close())
beforeEach(async () => {
	ground = await consoleGround(server)
	const { user } = await ground.accounts.registerForWeb(
		{ email: 'ada@example.org', password: 'correct horse battery' },
		{ address: '127.0.0.1' },
	)
	actor = { userId: user.id, email: user.email, role: user.role, via: 'web', address: '127.0.0.1' }
})
afterEach(() => ground.close())

const NODE = 'peer-atlas'
const WEB = 'w_00000000000000000000'
/** the start of a quarter of an hour, a few of them ago */
const QUARTER = Math.floor(Date.now() / 900_000) * 900_000 - 3_600_000

function sample(minute: number, cpu: number, more: Partial<Sample> = {}): Sample {
	return {
		workloadId: null,
		replica: null,
		at: new Date(QUARTER + minute * 60_000).toISOString(),
		cpu,
		cpuLimit: 2,
		memoryBytes: 50,
		memoryLimitBytes: 100,
		diskBytes: null,
		diskLimitBytes: null,
		rxRate: null,
		txRate: null,
		readRate: null,
		writeRate: null,
		...more,
	}
}

/** A console's monitoring over one node whose words the test chooses. */
function monitored(answer: (command: Command) => Sample[]) {
	const asked: Command[] = []
	const { database, audit } = ground
	const live = new LiveBus('test')
	const commands = {
		async *frames(_userId: string, _peerId: string, command: Command): AsyncIterable<CommandFrame> {
			asked.push(command)
			yield { type: 'samples', samples: answer(command) }
			yield { type: 'result', result: CommandResult.parse({}) }
		},
	}
	const monitoring = new MonitoringService({
		database,
		fleet: { views: () => [{ status: { peerId: NODE } } as never], isReachable: () => true },
		commands: commands as never,
		reads: { samples: () => expect.fail('not asked') },
		live,
		audit,
		log: { warn: (facts, message) => expect.fail(`${message} ${JSON.stringify(facts)}`) },
	})
	return { monitoring, asked, live }
}

describe('the history of what nodes measured', () => {
	it('is kept by minute and by quarter; what is told twice or late counts once and right', async () => {
		let told = [sample(0, 1), sample(1, 3)]
		const { monitoring, asked } = monitored(() => told)
		await monitoring.collect()
		told = [...told, sample(2, 5)]
		await monitoring.collect()
		expect(asked.map((command) => command.kind === 'samples' && command.since)).toEqual([null, sample(1, 0).at])

		const { database } = ground
		const now = new Date(QUARTER + 600_000)
		const minutes = await readPoints(database, { node: NODE }, 'minute', now)
		expect(minutes.map(({ at, cpu }) => [at.toISOString(), cpu])).toEqual([
			[sample(0, 0).at, 1],
			[sample(1, 0).at, 3],
			[sample(2, 0).at, 5],
		])
		const quarters = await readPoints(database, { node: NODE }, 'quarter', now)
		expect(quarters.map(({ at, cpu, rxRate }) => [at.toISOString(), cpu, rxRate])).toEqual([[sample(0, 0).at, 3, null]])

		await deleteOldPoints(database, new Date(QUARTER + 25 * 3_600_000))
		expect(await readPoints(database, { node: NODE }, 'minute', now)).toEqual([])
		expect(await readPoints(database, { node: NODE }, 'quarter', now)).toHaveLength(1)
		await deleteOldPoints(database, new Date(QUARTER + 31 * 86_400_000))
		expect(await database.metricSeries.count()).toBe(0)
	})

	it('adds up the replicas of a workload', async () => {
		const replica = (index: number, cpu: number) => sample(0, cpu, { workloadId: WEB, replica: index })
		const { monitoring } = monitored(() => [sample(0, 2), replica(0, 0.25), replica(1, 0.5)])
		await monitoring.collect()
		const [point] = await readPoints(ground.database, { workloadId: WEB }, 'minute', new Date())
		expect(point).toMatchObject({ cpu: 0.75, memoryBytes: 100, diskBytes: null })
	})

	it('a console that starts reads the last hour again, so that it knows what lasts', async () => {
		const first = monitored(() => [sample(0, 1)])
		await first.monitoring.collect()
		const { monitoring, asked } = monitored(() => [])
		await monitoring.collect()
		expect(asked[0]).toMatchObject({ since: new Date(QUARTER - 3_600_000).toISOString() })
	})
})

describe('thresholds', () => {
	it('mark the node while it is above them, and tell the pages', async () => {
		let told = [0, 1, 2, 3, 4].map((minute) => sample(minute, 1.9))
		const { monitoring, live } = monitored(() => told)
		const abort = new AbortController()
		const heard: LiveEvent[] = []
		const listening = (async () => {
			for await (const event of live.subscribe(actor, abort.signal)) {
				heard.push(event)
				if (heard.length === 3) break
			}
		})()
		await monitoring.collect()
		expect(await monitoring.alerts(actor)).toMatchObject([{ id: NODE, metric: 'cpu', share: 0.95, threshold: 0.9 }])
		expect(monitoring.latest()).toMatchObject([{ node: NODE, sample: { cpu: 1.9 } }])
		await new Promise((resolve) => setImmediate(resolve))
		told = [sample(5, 0.1)]
		await monitoring.collect()
		expect(await monitoring.alerts(actor)).toEqual([])
		await listening
		expect(heard.slice(1)).toMatchObject([
			{ type: 'alerts', id: NODE, alerts: [{ metric: 'cpu' }] },
			{ type: 'alerts', id: NODE, alerts: [] },
		])
	})

	it('are set by owner and admin, hold at once, and are audited', async () => {
		const { monitoring } = monitored(() => [0, 1].map((minute) => sample(minute, 1)))
		await monitoring.collect()
		await expect(monitoring.setThresholds({ ...actor, role: 'member' }, { cpu: 0.4 })).rejects.toMatchObject({
			code: 'FORBIDDEN',
		})
		await expect(monitoring.setThresholds(actor, { cpu: 40 })).rejects.toMatchObject({ code: 'INVALID_INPUT' })
		await monitoring.setThresholds(actor, { cpu: 0.4, minutes: 2 })
		expect(await monitoring.alerts(actor)).toMatchObject([{ metric: 'cpu', threshold: 0.4 }])
		expect(await monitoring.thresholds(actor)).toMatchObject({ cpu: 0.4, memory: 0.9, minutes: 2 })
		const trail = await ground.audit.list(actor, { subject: 'lattice' })
		expect(trail.map(({ action, outcome }) => [action, outcome])).toContainEqual(['lattice.thresholds', 'ok'])
	})
})
