import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { cpus, loadavg, totalmem } from 'node:os'
import { join } from 'node:path'
import { ensureImages } from '../fixtures/build.ts'
import { ACCOUNT, trpc } from '../integration/stack-clients.ts'
import { startStack } from '../integration/stack-fixture.ts'
import { createLab } from '../lab/lab.ts'
import { ensureRequirements } from '../run/requirements.ts'
import { dashboard } from './dashboard.ts'
import { dataPlane } from './data-plane.ts'
import { DeployBench } from './deploy.ts'
import { killedInDom } from './dom.ts'
import { forwarding } from './forwarding.ts'
import * as gateway from './gateway.ts'
import { type MembershipBench, membership } from './membership.ts'
import { restingMemory, warmStarts } from './resting.ts'
import type { BenchRow } from './row.ts'
import * as scheduler from './scheduler.ts'

/**
 * `npm run bench [-- --quick] [-- stack|membership|forwarding|gateway …]`: measures the product and prints a table (stderr) and
 * JSON (stdout). Ends with 1 when a goal is missed. `stack` is one host of a lab, as the integration tests run;
 * `membership` the mesh beside serf, at 10 and 25 nodes; `forwarding` two hosts with their own engines;
 * `gateway` HTTP beside haproxy, in front of one nginx. Default: all.
 */
const PARTS = ['stack', 'membership', 'forwarding', 'gateway'] as const
const QUICK = process.argv.includes('--quick')
const SAMPLES = QUICK ? 5 : 30
const STARTS = QUICK ? 2 : 7
const IDLE_S = QUICK ? 5 : 60
const LOAD_S = QUICK ? 3 : 15
const MEMBERSHIP: MembershipBench = QUICK
	? { sizes: [4], changes: 12, losses: 1, idleS: 10 }
	: { sizes: [10, 25], changes: 100, losses: 3, idleS: 60 }
const FORWARDED = QUICK ? 5 : 40
/** set for the second half of this program, inside the host, which then measures the stack */
const INSIDE = 'LATTICE_BENCH_INSIDE'

const say = (line: string) => process.stderr.write(`${line}\n`)

async function stackInLab(): Promise<BenchRow[]> {
	const lab = await createLab({ hosts: 1 })
	for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void lab.down())
	try {
		const argv = [process.execPath, import.meta.filename, ...process.argv.slice(2)]
		const child = lab.host('h1').spawn(argv, {
			stdio: ['inherit', 'pipe', 'inherit'],
			cwd: join(import.meta.dirname, '../..'),
			env: { [INSIDE]: '1' },
		})
		let output = ''
		child.stdout?.on('data', (chunk: Buffer) => {
			output += chunk.toString()
		})
		const [code] = await once(child, 'close')
		if (code !== 0) throw new Error(`the stack bench ended with ${code}`)
		return JSON.parse(output) as BenchRow[]
	} finally {
		await lab.down()
	}
}

async function measure(): Promise<BenchRow[]> {
	const stack = await startStack()
	try {
		const rows = await warmStarts(stack, STARTS)
		rows.push(...(await restingMemory(stack, 'a warm start', IDLE_S)))
		const { token, user } = await trpc(stack).user.register.mutate(ACCOUNT)
		rows.push(...(await new DeployBench(stack, { token, userId: user.id }).run(SAMPLES)))
		rows.push(...(await restingMemory(stack, `${2 * SAMPLES} deployments`, IDLE_S)))
		rows.push(...(await killedInDom(stack, token, SAMPLES)))
		rows.push(...(await dashboard(stack, token, LOAD_S)))
		rows.push(...(await dataPlane(stack, token, LOAD_S)))
		return rows
	} finally {
		await stack.remove()
	}
}

async function all(): Promise<number> {
	process.env.PATH = `${process.env.PATH}:/usr/sbin:/sbin`
	const words = process.argv.slice(2).filter((word) => !word.startsWith('-'))
	const unknown = words.filter((word) => !PARTS.some((part) => part === word))
	if (unknown.length > 0) {
		say(`unknown: ${unknown.join(', ')}; there are ${PARTS.join(', ')}`)
		return 2
	}
	const parts = PARTS.filter((part) => words.length === 0 || words.includes(part))
	ensureRequirements(
		{
			lab: true,
			browser: parts.includes('stack'),
			dataPlane: parts.includes('stack'),
			serf: parts.includes('membership'),
			gateway: parts.includes('gateway'),
		},
		say,
	)
	if (parts.includes('stack') || parts.includes('forwarding')) await ensureImages(say)
	// What the bootstrap would install it cannot install inside of a lab, which has no way out.
	spawnSync(join(import.meta.dirname, '../../lattice'), ['--version'], { stdio: ['ignore', 'ignore', 'inherit'] })
	const machine = {
		cpu: cpus()[0]?.model ?? 'unknown',
		cores: cpus().length,
		memoryGiB: Math.round(totalmem() / 2 ** 30),
	}
	const before = loadavg()
	const rows: BenchRow[] = []
	if (parts.includes('stack')) rows.push(...(await stackInLab()))
	if (parts.includes('membership')) rows.push(...(await membership(MEMBERSHIP, say)))
	if (parts.includes('forwarding')) rows.push(...(await forwarding(FORWARDED, say)))
	if (parts.includes('gateway')) rows.push(...(await gateway.run(QUICK ? 2 : 5)))
	const load = { before, after: loadavg() }
	say(table(rows))
	console.log(
		JSON.stringify(
			{ at: new Date().toISOString(), node: process.version, machine, load, quick: QUICK, parts, rows },
			null,
			'\t',
		),
	)
	return rows.every(({ ok }) => ok) ? 0 : 1
}

function table(rows: readonly BenchRow[]): string {
	const width = Math.max(...rows.map(({ name }) => name.length))
	return rows
		.map(({ name, value, unit, goal, ok }) => {
			const verdict = goal === null ? '' : `${ok ? 'ok    ' : 'MISSED'} ${goal}`
			return `${name.padEnd(width)}  ${String(value).padStart(8)} ${unit.padEnd(3)}  ${verdict}`.trimEnd()
		})
		.join('\n')
}

if (process.env[INSIDE] === undefined) process.exitCode = await all()
else console.log(JSON.stringify([...(await measure()), ...(await scheduler.run())]))
