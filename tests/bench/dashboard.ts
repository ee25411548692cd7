import { readFileSync } from 'node:fs'
import { Agent, request } from 'node:http'
import { join } from 'node:path'
import pg from 'pg'
import { logIn, rest, WEB } from '../integration/stack-clients.ts'
import type { Stack } from '../integration/stack-fixture.ts'
import { type BenchRow, percentile, row } from './row.ts'

const WORKLOADS = 1_000
const CONNECTIONS = 10
const GOAL_P99_MS = 50

/**
 * The overview as a browser asks for it, by ten connections at once, with a thousand workloads in the records. They are
 * copies of one that really runs, put beside it in the database; what the page says of them is as live as of any other.
 */
export async function dashboard(stack: Stack, token: string, seconds: number): Promise<BenchRow[]> {
	const { body } = await rest(stack, token, 'POST', '/api/workloads/deploy', {
		name: 'bench-dashboard',
		type: 'custom',
		config: WEB,
	})
	const database = new pg.Client({ connectionString: databaseUrl(stack) })
	await database.connect()
	try {
		await multiply(database, body.id)
		const cookie = await logIn(stack)
		await load(stack, cookie, 2_000)
		const { times, bytes } = await load(stack, cookie, seconds * 1000)
		const what = `dashboard: ${WORKLOADS} workloads, ${CONNECTIONS} connections`
		return [
			row(`${what}, p50 of ${times.length}`, percentile(times, 0.5), 'ms'),
			row(`${what}, p99`, percentile(times, 0.99), 'ms', GOAL_P99_MS),
			row('dashboard: the page', bytes / 1024, 'KiB'),
		]
	} finally {
		await database.query(`DELETE FROM "Workload" WHERE name LIKE 'bench-copy-%'`)
		await database.end()
		await rest(stack, token, 'DELETE', `/api/workloads/${body.id}`)
	}
}

function databaseUrl({ home }: Stack): string {
	const { password } = JSON.parse(readFileSync(join(home, 'postgres.json'), 'utf8')) as { password: string }
	const { database } = JSON.parse(readFileSync(join(home, 'ports.json'), 'utf8')) as { database: number }
	return `postgresql://lattice:${password}@127.0.0.1:${database}/lattice`
}

async function multiply(database: pg.Client, id: string): Promise<void> {
	const copyId = `'w_' || lpad(i::text, 20, '0')`
	const from = `generate_series(1, ${WORKLOADS}) i WHERE`
	await database.query(
		`INSERT INTO "Workload" SELECT (jsonb_populate_record(w, jsonb_build_object('id', ${copyId},
			'name', 'bench-copy-' || i, 'heldName', 'bench-copy-' || i, 'commandId', 'bench-copy-' || i))).*
			FROM "Workload" w, ${from} w.id = $1`,
		[id],
	)
	await database.query(
		`INSERT INTO "Assignment" SELECT (jsonb_populate_record(a, jsonb_build_object('workloadId', ${copyId}))).*
			FROM "Assignment" a, ${from} a."workloadId" = $1`,
		[id],
	)
}

async function load(stack: Stack, cookie: string, forMs: number): Promise<{ times: number[]; bytes: number }> {
	const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS })
	const end = performance.now() + forMs
	const times: number[] = []
	let bytes = 0
	const connection = async () => {
		while (performance.now() < end) {
			const began = performance.now()
			bytes = await get(`${stack.consoleUrl}/`, cookie, agent)
			times.push(performance.now() - began)
		}
	}
	await Promise.all(Array.from({ length: CONNECTIONS }, connection))
	agent.destroy()
	return { times, bytes }
}

function get(url: string, cookie: string, agent: Agent): Promise<number> {
	return new Promise((resolve, reject) => {
		const asked = request(url, { agent, headers: { cookie } }, (response) => {
			let bytes = 0
			response.on('data', (chunk: Buffer) => {
				bytes += chunk.length
			})
			response.on('end', () => {
				if (response.statusCode === 200) resolve(bytes)
				else reject(new Error(`${url} answered ${response.statusCode}`))
			})
		})
		asked.once('error', reject)
		asked.end()
	})
}
