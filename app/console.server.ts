import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createAdaptorServer } from '@hono/node-server'
import type { Logger } from 'pino'
import { LatticeError } from '../agent/protocol/index.ts'
import type { Config } from './config.server.ts'
import { startConsolePeer } from './fleet/console-peer.server.ts'
import { MeshFleet } from './fleet/mesh-fleet.server.ts'
import { createConsoleApp } from './http/console-app.server.ts'
import { Metrics } from './http/metrics.server.ts'
import { loadPages } from './http/pages.server.ts'
import { serveTerminals } from './http/terminal-socket.server.ts'
import { openDatabase } from './models/database.server.ts'
import { migrate } from './models/migrate.server.ts'
import { listNodes } from './models/node.server.ts'
import { createServices } from './services/create-services.server.ts'
import { startHousekeeping } from './services/housekeeping.server.ts'
import { openLattice } from './services/lattice.server.ts'
import { loadMasterKeys } from './services/master-key.server.ts'

/** Open requests get this long to finish before their connections are cut. */
const DRAIN_MS = 800

export interface RunningConsole {
	url: string
	peerId: string
	/** for the agent of this machine, when asked for */
	invite: string | null
	stop(): Promise<void>
}

/** The composition root: the only place that knows all parts. It answers once the console truly serves. */
export async function startConsole(config: Config, log: Logger): Promise<RunningConsole> {
	const pages = loadPages()
	// It is awaited last; a failure before must not also count as unhandled.
	pages.catch(() => undefined)
	const applied = await migrate(config.databaseUrl)
	if (applied.length > 0) log.info({ applied }, 'database migrated')
	const database = openDatabase(config.databaseUrl, (error) =>
		log.warn({ reason: error.message }, 'a database connection broke'),
	)
	const lattice = await openLattice(database, (create) =>
		loadMasterKeys({ home: config.home, file: config.masterKeyFile, create }),
	)
	const { latticeId, issuer, trust, cookieSecrets } = lattice
	const meshLog = log.child({ room: 'mesh' })
	const { home, meshListen: listen, announce } = config
	const nodes = await listNodes(database)
	const known = nodes.filter(({ leftAt, revokedAt }) => leftAt === null && revokedAt === null)
	const console = await startConsolePeer({ home, listen, announce, latticeId, issuer, trust, known, log: meshLog })
	const { peer, members } = console

	const fleet: MeshFleet = new MeshFleet({ peer, members, log: log.child({ room: 'fleet' }) })
	const set = createServices({ registration: config.registration }, { database, lattice, fleet, log })
	peer.handleJoin((request, context) => set.enrolment.join(request, context))
	peer.handleRenew((_request, { claims }) => set.enrolment.renew(claims))
	peer.handleCommands((request, context) => set.claims.handle(request, context))
	fleet.start(
		nodes.map((node) => ({ ...node, left: node.leftAt !== null || node.revokedAt !== null })),
		set.listener,
	)
	await set.departures.start()
	members.start()
	set.orders.start()
	set.monitoring.start()
	await set.sessions.start()
	set.rotation.start()
	const housekeeping = startHousekeeping({ database, credentials: set.credentials, holder: peer.peerId, log })

	const metrics = new Metrics({
		views: () => fleet.views(),
		liveSubscribers: () => set.live.subscribers,
		pendingOrders: () => set.orders.running,
		usage: () => set.monitoring.latest(),
	})
	const { trustProxy, publicUrl } = config
	const app = createConsoleApp(
		{ trustProxy, publicUrl, cookieSecrets, latticeId },
		{
			services: set.services,
			readiness: { database, addresses: () => peer.addresses() },
			metrics,
			pages: await pages,
			log: log.child({ room: 'http' }),
		},
	)
	const wantsInvite = config.localInvite === '1' || (config.localInvite === 'first' && known.length === 0)
	const server = createAdaptorServer({ fetch: app.fetch })
	const terminals = serveTerminals(server as Server, {
		trustProxy,
		publicUrl,
		context: { services: set.services, cookieSecrets, latticeId },
		log: log.child({ room: 'http' }),
	})
	const url = await listening(server, config)
	return {
		url,
		peerId: peer.peerId,
		invite: wantsInvite ? await set.nodes.inviteLocalAgent() : null,
		stop: async () => {
			terminals.stop()
			housekeeping.stop()
			set.monitoring.stop()
			set.rotation.stop()
			set.orders.stop()
			fleet.stop()
			await Promise.all([closed(server), console.stop()])
			await database.$disconnect()
		},
	}
}

type HttpServer = ReturnType<typeof createAdaptorServer>

function listening(server: HttpServer, { host, port }: Config): Promise<string> {
	return new Promise((resolve, reject) => {
		server.once('error', (error: NodeJS.ErrnoException) => {
			const taken = `The port ${port} of ${host} is taken by another program. Give another one with --port.`
			reject(
				error.code === 'EADDRINUSE' ? new LatticeError('PORT_TAKEN', taken, { host, port }, { cause: error }) : error,
			)
		})
		server.listen(port, host, () => {
			const { port: bound } = server.address() as AddressInfo
			resolve(`http://${host.includes(':') ? `[${host}]` : host}:${bound}`)
		})
	})
}

/** Streams of live changes never end by themselves: after a moment for the others all connections are cut. */
async function closed(server: HttpServer): Promise<void> {
	const { promise, resolve } = Promise.withResolvers<void>()
	server.close(() => resolve())
	if ('closeIdleConnections' in server) server.closeIdleConnections()
	const cut = setTimeout(() => 'closeAllConnections' in server && server.closeAllConnections(), DRAIN_MS)
	await promise
	clearTimeout(cut)
}
