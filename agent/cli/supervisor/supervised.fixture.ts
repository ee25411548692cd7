import { createHome, homeAt, lockHome } from '../home.ts'
import { Ports } from '../ports.ts'
import { openCluster } from '../postgres/cluster.ts'
import { processTerminal } from '../terminal.ts'
import type { ChildSpec } from './child.ts'
import { postgresChild } from './children.ts'
import { Supervisor } from './supervisor.ts'

/**
 * `up` without console and agent: the real lock, database and supervisor, and beside them a child that has lost all
 * manners. Run as a process of its own: node supervised.fixture.ts HOME. Tells on stdout, one JSON a line.
 */
const home = homeAt(process.argv[2])
createHome(home)
const terminal = processTerminal()
const lock = lockHome(home, 'up')

/** Neither its IPC channel nor a signal reaches an event loop that never turns. */
const DEAF = `process.send({ type: 'ready' }, () => { for (;;); })`

const deaf: ChildSpec = {
	name: 'deaf',
	launch: async () => ({ file: process.execPath, args: ['-e', DEAF], env: process.env }),
	ready: { kind: 'ipc' },
	format: 'pino',
	stop: [['SIGTERM', 200]],
	guard: { first: 'TERM', last: 'KILL' },
}

const supervisor = new Supervisor({ home, terminal })
await supervisor.run(async () => {
	const cluster = openCluster(home)
	const port = await new Ports(home).pick('database', '127.0.0.1', undefined, 'database port')
	const tell = (event: string) => terminal.out(JSON.stringify({ event, url: cluster.urlAt(port) }))
	await supervisor.start(postgresChild(cluster, port), () => tell('postgres'))
	await supervisor.start(deaf, () => tell('deaf'))
})
lock.release()
