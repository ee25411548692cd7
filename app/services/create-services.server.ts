import { nodeOf } from '../../agent/protocol/index.ts'
import type { Fleet, FleetListener } from '../fleet/fleet.ts'
import type { Database } from '../models/database.server.ts'
import { saveNodeStatus } from '../models/node.server.ts'
import { AccountService } from './accounts.server.ts'
import { AuditTrail } from './audit.server.ts'
import { Authority } from './authority.server.ts'
import { CredentialStore } from './credentials.server.ts'
import { Decisions } from './decisions.server.ts'
import { Departures } from './departures.server.ts'
import { Enrolment } from './enrolment.server.ts'
import { EntryClaims } from './entry-claims.server.ts'
import { HostCommands } from './host-commands.server.ts'
import type { LatticeKeys } from './lattice.server.ts'
import { LiveBus } from './live.server.ts'
import { MissedEvents } from './missed-events.server.ts'
import { MonitoringService } from './monitoring.server.ts'
import { NgrokSettings } from './ngrok-settings.server.ts'
import { NodeService } from './nodes.server.ts'
import { Orders } from './orders.server.ts'
import { Records } from './records.server.ts'
import { SecretRotation } from './secret-rotation.server.ts'
import type { Services } from './services.ts'
import { SessionService } from './sessions.server.ts'
import { TerminalService } from './terminals.server.ts'
import { Timeline } from './timeline.server.ts'
import { WorkloadChanges } from './workload-changes.server.ts'
import { WorkloadIndex } from './workload-index.server.ts'
import { WorkloadReads } from './workload-reads.server.ts'
import { WorkloadService } from './workloads.server.ts'

export interface ServicesOptions {
	registration: 'open' | 'closed'
}

export interface ServicesModules {
	database: Database
	lattice: LatticeKeys
	fleet: Fleet
	log: {
		info(facts: object, message: string): void
		warn(facts: object, message: string): void
		error(facts: object, message: string): void
	}
}

/** The use cases, and what the fleet and the peer need of them. */
export interface ServiceSet {
	services: Services
	listener: FleetListener
	enrolment: Enrolment
	claims: EntryClaims
	departures: Departures
	orders: Orders
	credentials: CredentialStore
	live: LiveBus
	nodes: NodeService
	monitoring: MonitoringService
	sessions: SessionService
	rotation: SecretRotation
	audit: AuditTrail
}

/** Builds each service once and hands it what it uses. */
export function createServices(options: ServicesOptions, modules: ServicesModules): ServiceSet {
	const { database, lattice, fleet, log } = modules
	const { keyring, latticeId, trust } = lattice
	const consolePeerId = fleet.peerId
	const audit = new AuditTrail(database)
	const live = new LiveBus(consolePeerId)
	const authority = new Authority({ database, lattice, consolePeerId })
	const commands = new HostCommands({ fleet, authority })
	const credentials = new CredentialStore({ database, keyring, fleet, commands, log })
	const timeline = new Timeline({ database, live, consolePeerId })
	const resume = (workloadId: string) => orders.kick(workloadId)
	const missed = new MissedEvents({ database, commands, timeline, log })
	const records = new Records({ database, trust, fleet, credentials, timeline, missed, live, resume, log })
	const decisions = new Decisions({ database, lattice, fleet, commands, log })
	const orders = new Orders({ database, decisions, fleet, commands, records, timeline, log })
	const reads = new WorkloadReads({ fleet, commands })
	const monitoring = new MonitoringService({ database, fleet, commands, reads, live, audit, log })
	const sessions = new SessionService({ database, lattice, audit })
	const rotation = new SecretRotation({ database, lattice, announce: () => fleet.announce(), audit, log })
	const settings = new NgrokSettings({ database, keyring, fleet, commands, audit, log })
	const terminals = new TerminalService({ database, fleet, authority, audit })
	const workloads = new WorkloadService({
		database,
		fleet,
		credentials,
		timeline,
		records,
		orders,
		changes: new WorkloadChanges({ database, fleet, commands, orders, records }),
		reads,
		index: new WorkloadIndex({ database, fleet }),
		audit,
	})
	const departures = new Departures({ database, lattice, fleet, records, audit })
	const nodes = new NodeService({ database, latticeId, keyring, fleet, commands, departures, audit, log })
	const members = () => fleet.members()
	const accounts = new AccountService({ registration: options.registration }, { database, lattice, audit, members })
	return {
		services: { accounts, workloads, nodes, live, audit, monitoring, terminals, sessions, rotation, settings },
		listener: listen({ database, records, departures, settings, live, log }),
		enrolment: new Enrolment({ database, lattice, fleet, audit, live }),
		claims: new EntryClaims({ database, lattice, consolePeerId, workloads, decisions, audit, live, log }),
		departures,
		orders,
		credentials,
		live,
		nodes,
		monitoring,
		sessions,
		rotation,
		audit,
	}
}

interface Listening {
	database: Database
	records: Records
	departures: Departures
	settings: NgrokSettings
	live: LiveBus
	log: ServicesModules['log']
}

function listen({ database, records, departures, settings, live, log }: Listening): FleetListener {
	const lastLiveness = new Map<string, string>()
	return {
		onFrame: async (peerId, frame) => {
			if (frame.type === 'node' && frame.node.peerId === peerId) await saveNodeStatus(database, frame.node, new Date())
			else await records.onFrame(peerId, frame)
			if (frame.type === 'report') settings.heard(peerId, frame.report)
		},
		onSynced: (peerId, held) => records.onSynced(peerId, held),
		onView: (view, current) => {
			live.publish({ type: 'node', node: nodeOf(view) }, null)
			const { peerId } = view.status
			const standing = `${view.liveness}:${current}`
			if (lastLiveness.get(peerId) === standing) return
			lastLiveness.set(peerId, standing)
			if (!current) settings.gone(peerId)
			const told = view.liveness === 'left' ? departures.left(peerId) : Promise.resolve()
			told
				.then(() => records.onHostChanged(peerId))
				.catch((error: unknown) => {
					log.warn({ peer: peerId, err: error }, 'the workloads of a node that changed could not be told')
				})
		},
	}
}
