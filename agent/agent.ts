import type { Logger } from 'pino'
import packageJson from '../package.json' with { type: 'json' }
import { Announcer } from './announcer.ts'
import { restApi } from './api/rest.ts'
import { authorityOfBearer } from './commands/authority.ts'
import { Directory } from './commands/directory.ts'
import { Entry } from './commands/entry.ts'
import { Execs } from './commands/execs.ts'
import { CommandHost } from './commands/host.ts'
import { NgrokSetting } from './commands/ngrok-setting.ts'
import { Orders } from './commands/orders.ts'
import { Probing } from './commands/probing.ts'
import { Reads } from './commands/reads.ts'
import { SampleReads } from './commands/sample-reads.ts'
import { Steward } from './commands/steward.ts'
import { Yielding } from './commands/yielding.ts'
import type { AgentConfig } from './config.ts'
import { bindingsFor, isLoopback } from './endpoints/bindings.ts'
import { hostDataPlane } from './endpoints/data/host-plane.ts'
import { createGateway, OtherGateways, OwnRoutes } from './endpoints/gateway/index.ts'
import { sdkEdge } from './endpoints/ngrok/sdk-edge.ts'
import { NgrokTunnels } from './endpoints/ngrok/tunnels.ts'
import { AgentHome } from './home.ts'
import { closeServer, listen } from './http.ts'
import type { MembershipClaims } from './identity/index.ts'
import { Links } from './links.ts'
import { createPeer, Members, WITH_MEMBERS } from './mesh/index.ts'
import { Metrics } from './metrics.ts'
import { NodeStatusSource } from './node-status.ts'
import { peerPaths } from './peer-paths.ts'
import { type CommandFrame, type CommandRequest, LatticeError, type Requirements } from './protocol/index.ts'
import { Executor } from './reconciler/execute.ts'
import { Reconciler } from './reconciler/reconciler.ts'
import { currentClaims } from './renew-ended.ts'
import { Renewal } from './renewal.ts'
import type { ContainerRuntime } from './runtime/runtime.ts'
import { readMachine } from './sampler/machine.ts'
import { SampleStore } from './sampler/sample-store.ts'
import { Sampler } from './sampler/sampler.ts'
import { admissionRefusal } from './scheduler/place.ts'
import { Standing } from './standing.ts'
import { Assignments } from './store/assignments.ts'
import { Changes } from './store/changes.ts'
import { Claims } from './store/claims.ts'
import { Database } from './store/database.ts'
import { Events } from './store/events.ts'
import { Journal } from './store/journal.ts'
import { NgrokToken } from './store/ngrok-token.ts'
import { Workloads } from './store/workloads.ts'
import { watchSource } from './watch-source.ts'

export interface AgentModules {
	runtime: ContainerRuntime
	log: Logger
}

export interface Agent {
	peerId: string
	/** where its REST answers */
	url: string
	/** resolves when this node can be a member no longer: it was removed */
	ended: Promise<LatticeError>
	stop(): Promise<void>
}

/**
 * Composition root of the agent: the only place that knows every room. Enrols on the first start; afterwards it needs
 * neither console nor database. Resolves when REST and mesh serve.
 */
export async function createAgent(config: AgentConfig, modules: AgentModules, signal: AbortSignal): Promise<Agent> {
	const { log, runtime } = modules
	const home = new AgentHome(config.home)
	const key = home.key()
	const standing = new Standing(home)
	await standing.load()
	const peer = await createPeer({
		key,
		listen: config.meshListen,
		announce: config.announce,
		relay: true,
		timeouts: WITH_MEMBERS,
		trust: () => standing.trustOrNull,
		certificate: () => standing.certificateOrNull,
		log,
	})
	await peer.start()
	const onWait = (error: LatticeError) => log.warn({ code: error.code }, `waiting to join: ${error.message}`)
	let certificate: MembershipClaims
	try {
		const { invite: token, name, labels, gateway = false } = config
		await standing.ensureEnrolled(peer, { token, name, labels, gateway, signal, onWait })
		certificate = await currentClaims(peer, standing, { signal, onWait })
	} catch (error) {
		await peer.stop()
		throw error
	}
	// By the certificate: hosts let nobody else front what they run.
	const gateway = certificate.gateway && config.gateway !== false
	if (config.gateway && !certificate.gateway)
		log.warn({}, 'this node did not join as a gateway; leave, and join again with --gateway')
	const db = new Database(home.storePath)
	const identity = { latticeId: standing.trust.latticeId, peerId: peer.peerId }
	const self = { peerId: peer.peerId, name: certificate.name }
	const assignments = new Assignments(db)
	const claims = new Claims(db)
	const journal = new Journal(db)
	const changes = new Changes()
	const events = new Events(db, peer.peerId)
	const keyring = home.keyring()
	const workloads: Workloads = new Workloads(assignments, keyring, self, (id, replica) => tunnels.of(id, replica))
	const ngrokToken = new NgrokToken(db, keyring)
	const tunnels = new NgrokTunnels({
		edge: sdkEdge(config.ngrok),
		token: () => ngrokToken.get(),
		assignments,
		workloads,
		changes,
		log,
	})
	const incarnation = db.next('incarnation')
	const nodeStatus = new NodeStatusSource(
		{
			peerId: peer.peerId,
			name: certificate.name,
			incarnation,
			labels: certificate.labels,
			gateway,
			restUrl: isLoopback(config.host) ? null : urlOf(config.host, config.port),
			version: packageJson.version,
		},
		{ runtime, assignments, changes, reach: () => ({ addresses: members.addresses(), relay: members.relays }) },
	)
	const routes = new OwnRoutes(changes)
	const directory = new Directory({
		status: () => nodeStatus.status(),
		reports: () => workloads.reports(),
		routes: (workloadId) => routes.of(workloadId),
	})
	const consolePeer = () => peer.connected().find((connection) => connection.certificate.role === 'console') ?? null

	const claimants = () => {
		const alive = directory.nodes().filter(({ liveness }) => liveness === 'alive')
		return { console: consolePeer()?.peerId ?? null, agents: alive.map(({ status }) => status.peerId) }
	}

	const currentOrder = (workloadId: string) => journal.open(workloadId).at(-1)?.id ?? null
	const executor = new Executor({
		identity,
		runtime,
		db,
		assignments,
		claims,
		events,
		changes,
		currentOrder,
		bindingsOf: bindingsFor,
	})
	const reconciler = new Reconciler({}, { identity, runtime, assignments, journal, workloads, executor, changes, log })
	const admit = async (asked: Requirements, replicas: number) => {
		nodeStatus.requireEngine()
		const refusal =
			replicas === 0 ? null : admissionRefusal(nodeStatus.status(), asked, replicas, new Date().toISOString())
		if (refusal)
			throw new LatticeError('NODE_REFUSED', `${self.name} cannot take it: ${refusal}.`, {
				node: self.name,
				reason: refusal,
			})
	}
	const interrupt = (id: string) => reconciler.interrupt(id)
	const orders = new Orders({
		peerId: peer.peerId,
		db,
		journal,
		assignments,
		workloads,
		events,
		changes,
		trust: () => standing.trust,
		admit,
		bindingsOf: bindingsFor,
		kick: (id) => reconciler.kick(id),
		begin: (id) => reconciler.begin(id),
		interrupt,
	})
	const nodes = () => directory.nodes()
	const yielding = new Yielding({ db, assignments, workloads, events, changes, directory, interrupt, log })
	const reads = new Reads({
		runtime,
		assignments,
		workloads,
		events,
		changes,
		nodes,
		peers: () => peerPaths(peer.connected(), nodes()),
		routes: () => routes.owned(directory),
	})
	const sampleStore = new SampleStore(home.samplesPath)
	const sampler = new Sampler({
		runtime,
		machine: readMachine,
		replicas: () => assignments.running(),
		disk: () => nodeStatus.disk(),
		store: sampleStore,
		log,
	})
	const samples = new SampleReads({ assignments, store: sampleStore, sampler })
	const steward = new Steward({
		key,
		peerId: peer.peerId,
		trust: () => standing.trust,
		certificate: () => standing.certificate,
		claims,
		directory,
		claimants,
	})
	const onRefused = ({ from, kind, error }: { from: string; kind: string; error: LatticeError }) => {
		metrics.refused.inc({ from, code: error.code })
		log.warn({ from, kind, code: error.code }, 'refused a command')
	}
	const plane = hostDataPlane(
		{ listen: config.meshListen, port: config.dataPort },
		{
			peer,
			certificate,
			trust: () => standing.trust,
			journal,
			runtime,
			assignments,
			workloads,
			changes,
			directory,
			onRefused,
			log,
		},
	)
	const metrics = new Metrics({
		status: () => nodeStatus.status(),
		reports: () => workloads.reports(),
		peers: () => peer.connected().length,
		samples: () => sampleStore.latest(Date.now()),
		plane: () => plane.totals(),
	})
	const host = new CommandHost({
		peerId: peer.peerId,
		trust: () => standing.trust,
		journal,
		orders,
		reads,
		probing: new Probing({ peerId: peer.peerId, directory }),
		samples,
		execs: new Execs({ runtime, assignments, log }),
		steward,
		ngrok: new NgrokSetting({ token: ngrokToken, onChange: () => tunnels.tokenChanged() }),
		onRefused,
	})
	const handle = (request: CommandRequest, from: string, abort: AbortSignal) =>
		host.handle(request, { from, signal: abort })
	peer.handleCommands((request, context) => handle(request, context.from.peerId, context.signal))
	peer.handleExec((request, input, { from, signal: abort }) =>
		host.exec(request, input, { from: from.peerId, signal: abort }),
	)
	peer.handleWatch((abort) => watchSource({ changes, workloads, assignments, nodeStatus, routes }, abort))

	const send = (peerId: string, request: CommandRequest, abort: AbortSignal): AsyncIterable<CommandFrame> =>
		peerId === peer.peerId ? handle(request, peer.peerId, abort) : peer.command(peerId, request, { signal: abort })
	const entry = new Entry({ peerId: peer.peerId, directory, send, claimants })
	const api = restApi({
		entry,
		authority: (bearer) => authorityOfBearer(standing.trust, bearer),
		metrics: () => metrics.text(),
		log,
	})

	const onOffence = ({ by, reason }: { by: string; reason: string }) => metrics.offences.inc({ by, reason })
	const members = new Members({
		peer,
		key,
		trust: standing.trust,
		certificate: () => standing.certificate,
		incarnation,
		known: standing.members,
		log,
		onReach: () => changes.emit({ kind: 'node' }),
		onIncarnation: (value) => db.raise('incarnation', value),
		onOffence,
	})

	await plane.start()
	const front = gateway
		? createGateway(config, self, {
				db,
				keyring,
				directory,
				changes,
				dialer: plane.dialer,
				routes,
				others: new OtherGateways(peer),
				log,
			})
		: null
	if (front) peer.challenges.answer = (token) => front.answerTo(token)
	await front?.start()
	await nodeStatus.start()
	reconciler.start()
	sampler.start()
	tunnels.start()
	const onRemoved = (workloadId: string) => {
		if (directory.of(workloadId).length === 0) claims.releaseWorkload(workloadId)
	}
	const links = new Links({ peer, members, directory, standing, yielding, onRemoved, onOffence, log })
	const stopYielding = yielding.start()
	const starting = links.start()
	members.start()
	const announcer = new Announcer({ changes, status: () => nodeStatus.status(), members })
	announcer.start()
	await starting
	const renewal = new Renewal({ peer, standing, log })
	renewal.start()
	const { server, port } = await listen(api.fetch, config.host, config.port)
	const url = urlOf(config.host, port)
	log.info({ url, peerId: peer.peerId }, 'agent ready')

	const ended = Promise.withResolvers<LatticeError>()
	standing.trust.onLearned(({ kind }) => {
		if (kind === 'revocation') standing.claims(peer.peerId).catch((error) => ended.resolve(LatticeError.from(error)))
	})

	return {
		peerId: peer.peerId,
		url,
		ended: ended.promise,
		async stop() {
			renewal.stop()
			announcer.stop()
			links.stop()
			stopYielding()
			members.stop()
			nodeStatus.stop()
			await sampler.stop()
			plane.stop()
			await closeServer(server)
			await front?.stop()
			await tunnels.stop()
			await reconciler.stop()
			await peer.stop()
			sampleStore.close()
			db.close()
		},
	}
}

function urlOf(host: string, port: number): string {
	return `http://${host.includes(':') ? `[${host}]` : host}:${port}`
}
