import { setTimeout as delay, setImmediate as nextTick } from 'node:timers/promises'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { Workload } from '../../agent/protocol/index.ts'
import { type LocalRegistry, startLocalRegistry } from '../contracts/local-registry.ts'
import { docker } from './engine-fixture.ts'
import { Coverage, seeded } from './kill-coverage.ts'
import { type JournalPhase, JournalReader, PHASES, type Row } from './kill-journal.ts'
import { type Answer, Customer, configOf, imageOf, type Order } from './kill-orders.ts'
import { lastWords, recovered, VICTIMS, type Victim } from './kill-victims.ts'
import { type Stack, startStack } from './stack-fixture.ts'
import { until } from './until.ts'

/**
 * Kills agent, console and PostgreSQL while deployments are under way, each in every phase of the host's journal, and
 * holds the product to its promise: one container or none with a failed status, the record says which, and the same
 * command id is the same workload. LATTICE_KILL_SEED=N repeats a run's choices.
 */
const SEED = Number(process.env.LATTICE_KILL_SEED ?? Math.floor(Math.random() * 2 ** 31))
const ORDERS_A_ROUND = 5
/** A round takes about six seconds; a machine that is much slower ends with what it has, and the test says so. */
const BUDGET_MS = 12 * 60_000
const SETTLE_MS = 60_000
/** The supervisor's back-off doubles with each death in a row; a fresh `up` begins with the shortest again. */
const ROUNDS_AN_UP = 4 * VICTIMS.length
const AIM_MS = 15_000

const random = seeded(SEED)
const coverage = new Coverage()
let stack: Stack
let registry: LocalRegistry
let customer: Customer
let journal: JournalReader

beforeAll(async () => {
	registry = await startLocalRegistry(imageOf)
	stack = await startStack()
	customer = await Customer.register(stack)
	journal = new JournalReader(stack.home)
})

afterAll(async () => {
	journal?.close()
	await stack?.remove()
	await registry?.close()
})

/** Ordered, not awaited: deletions are under way during the next kill. */
async function removeAll(ids: string[]): Promise<void> {
	for (const id of ids) await until(`an order to delete ${id}`, SETTLE_MS, () => customer.remove(id))
}

interface Container {
	id: string
	state: string
}

/** By workload. */
async function containers(): Promise<Map<string, Container[]>> {
	const format = '{{.Label "lattice.workload"}} {{.ID}} {{.State}}'
	const filter = ['--filter', `label=lattice.node=${stack.peerId}`]
	const stdout = await docker('ps', '--all', '--no-trunc', ...filter, '--format', format)
	const found = stdout.split('\n').flatMap((line) => {
		const [workload, id, state] = line.split(' ')
		return workload && id && state ? [{ workload, id, state }] : []
	})
	return Map.groupBy(found, ({ workload }) => workload)
}

function newOrder(round: number, index: number): Order {
	const name = `k${String(round).padStart(3, '0')}-${index}`
	const door = random(3) === 0 ? 'agent' : 'console'
	return { name, door, commandId: `kill-${SEED}-${name}`, config: configOf(`${registry.address}/${name}:${SEED}`) }
}

interface Sent extends Order {
	first: Promise<Answer>
}

/**
 * Orders one after the other, until one of them, drawn beforehand, is in that phase; then the victim dies. Those before
 * it have come further, so that one death meets several phases. Returns what was ordered.
 */
async function killDuring(round: number, victim: Victim, aim: JournalPhase, pid: number): Promise<Sent[]> {
	const sent: Sent[] = []
	const marked = random(ORDERS_A_ROUND)
	const total = aim === 'unaccepted' ? marked + 1 : ORDERS_A_ROUND
	let killed = false
	const ordering = async () => {
		for (let index = 0; index < total && !killed; index++) {
			const order = newOrder(round, index)
			sent.push({ ...order, first: customer.order(order, true) })
			if (index < total - 1) await delay(random(250))
		}
	}
	const ordered = ordering()
	const isMet = () => {
		const phases = [...journal.phases(sent.map(({ name }) => name)).values()]
		if (phases.slice(marked).includes(aim)) return true
		// All went past it between two looks: whatever they are at is hit instead.
		return phases.length === total && phases.every((phase) => PHASES.indexOf(phase) > PHASES.indexOf(aim))
	}
	const deadline = performance.now() + AIM_MS
	while (!isMet() && performance.now() < deadline) await nextTick()
	// Before the journal has the order there is nothing to see of it: the instant is drawn.
	if (aim === 'unaccepted') await delay(random(20))
	process.kill(pid, 'SIGKILL')
	killed = true
	const phases = journal.phases(sent.map(({ name }) => name))
	for (const phase of phases.values()) coverage.hit(victim, phase)
	await ordered
	return sent
}

interface Outcome {
	order: Sent
	answers: Answer[]
	/** more than one would be two workloads of one order */
	records: Workload[]
	report: Workload | undefined
}

async function outcomesOf(orders: Pick<Outcome, 'order' | 'answers'>[]): Promise<Outcome[]> {
	const [records, reports] = [await customer.records(), await customer.reports()]
	return orders.map(({ order, answers }) => {
		// a second record of a name would be called name-xxxx
		const mine = ({ name }: Workload) => name.startsWith(order.name)
		return { order, answers, records: records.filter(mine), report: reports.find(mine) }
	})
}

const isEnd = (status: string | undefined) => status === 'running' || status === 'failed'
const isSettled = ({ records: [record], report }: Outcome) =>
	isEnd(record?.status) && (!report || report.status === record?.status)

/** Everything that is not as promised. */
function complaints(
	{ order, answers, records, report }: Outcome,
	row: Row | undefined,
	running: Map<string, Container[]>,
): string[] {
	const wrong: string[] = []
	const holds = (is: boolean, otherwise: string) => !is && wrong.push(`${order.name} (${order.door}): ${otherwise}`)
	const [record] = records
	holds(records.length === 1, `${records.length} records: ${records.map(({ name }) => name)}`)
	if (!record) return wrong
	const own = running.get(record.id) ?? []
	const named = answers.flatMap((answer) => ('id' in answer ? [answer.id] : []))
	holds(
		named.every((id) => id === record.id),
		`answers named ${named}, the record is ${record.id}`,
	)
	holds(!report || (report.id === record.id && report.status === record.status), `the agent reports ${report?.status}`)
	if (record.status === 'running') {
		holds(own.length === 1 && own[0]?.state === 'running', `runs, with containers ${JSON.stringify(own)}`)
		holds(own[0]?.id === row?.containerId, `the journal has container ${row?.containerId}`)
	} else {
		holds(record.status === 'failed', `is ${record.status}: ${record.statusReason}`)
		holds(own.length === 0, `failed, with containers ${JSON.stringify(own)}`)
		holds(record.error != null && record.error.code !== 'INTERNAL', `failed with ${JSON.stringify(record.error)}`)
	}
	return wrong
}

async function trial(round: number, victim: Victim, aim: JournalPhase): Promise<void> {
	const pid = stack.pidOf(victim)
	if (pid === null) throw new Error(`there is no ${victim} to kill`)
	const sent = await killDuring(round, victim, aim, pid)
	// As a client does that got no answer: the same order again, at once and once more when everything is back.
	const early = await Promise.all(sent.map((order) => customer.order(order, false)))
	await recovered(stack, victim, pid, SETTLE_MS)
	const late = await Promise.all(sent.map((order) => customer.order(order, false)))
	const firsts = await Promise.all(sent.map(({ first }) => first))
	const orders = sent.map((order, index) => ({
		order,
		answers: [firsts[index], early[index], late[index]].filter((answer) => answer !== undefined),
	}))
	let outcomes: Outcome[] = []
	const settled = async () => {
		outcomes = await outcomesOf(orders)
		return outcomes.every(isSettled)
	}
	await until('every record settled', SETTLE_MS, settled).catch(() => undefined) // the complaints say it better
	const [rows, running] = [journal.rows(), await containers()]
	const wrong = outcomes.flatMap((outcome) => complaints(outcome, rows.get(outcome.order.name), running))
	if (wrong.length > 0) throw new Error([...wrong, ...orders.map((each) => JSON.stringify(each))].join('\n'))
	await removeAll(outcomes.flatMap(({ records }) => records.map(({ id }) => id)))
}

it(
	'ends in one container, or none and a clear failure, whoever is killed and whenever',
	async () => {
		const began = performance.now()
		let round = 0
		try {
			while (!coverage.complete && performance.now() - began < BUDGET_MS) {
				for (const victim of VICTIMS) {
					const [aim] = coverage.missing(victim)
					if (aim === undefined) continue
					if (++round % ROUNDS_AN_UP === 0) {
						await stack.stop()
						await stack.start()
					}
					await trial(round, victim, aim).catch((error: unknown) => {
						throw new Error(`round ${round}, ${victim} at ${aim}, seed ${SEED}:\n${error}\n${lastWords(stack)}`)
					})
				}
			}
		} finally {
			const seconds = Math.round((performance.now() - began) / 1000)
			console.log(`kill test: seed ${SEED}, ${round} rounds in ${seconds} s\n${coverage.table()}`)
		}
		expect(VICTIMS.flatMap((victim) => coverage.missing(victim))).toEqual([])
		await until('every deleted workload gone', SETTLE_MS, async () => (await containers()).size === 0)
	},
	BUDGET_MS + 2 * 60_000,
)
