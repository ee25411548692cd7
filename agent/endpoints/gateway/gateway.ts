import type { Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import type { Directory } from '../../commands/directory.ts'
import type { Endpoint } from '../../protocol/index.ts'
import type { Changes } from '../../store/changes.ts'
import type { GatewayCertificates } from '../../store/gateway-certificates.ts'
import type { GatewayPort, GatewayPorts } from '../../store/gateway-ports.ts'
import { isLoopback } from '../bindings.ts'
import type { Dialer } from '../dialer.ts'
import { CHALLENGES } from './acme/acme-server.ts'
import { mayBePublic } from './acme/names.ts'
import type { OtherGateways } from './acme/other-gateways.ts'
import { Balancer } from './balancer.ts'
import { Encryption, type TlsOptions } from './encryption.ts'
import { endpointsOf } from './endpoints-of.ts'
import { HttpGateway, type RouteRef } from './http.ts'
import { Slots } from './limits.ts'
import type { PortRange } from './listeners.ts'
import { type LookUp, NameWatch } from './name-watch.ts'
import { HostTable, sslipDomain } from './names.ts'
import type { OwnRoutes } from './own-routes.ts'
import { PortBook } from './port-book.ts'
import { Reachability } from './reachability.ts'
import { SelfCheck } from './self-check.ts'
import { type Route, routeKey, routesOf } from './table.ts'
import { serveTcp } from './tcp.ts'

export interface GatewayOptions {
	node: { peerId: string; name: string }
	/** where it listens */
	address: string
	/** hosts to give to people, best first; the first that leads here is used */
	hosts: readonly string[]
	/** 0: any free one */
	httpPort: number
	ports: PortRange
	/** null: no port for what is encrypted */
	tls: TlsOptions | null
	/** names are below it; null: the sslip.io name of the address */
	domain: string | null
}

export interface GatewayModules {
	directory: Pick<Directory, 'reports' | 'onChange'>
	changes: Pick<Changes, 'on'>
	dialer: Dialer
	store: GatewayPorts
	certificates: GatewayCertificates
	routes: OwnRoutes
	others: Pick<OtherGateways, 'answer'>
	lookUp?: LookUp
	/** of the certificates' times */
	now?: () => number
	log: {
		debug(facts: object, message: string): void
		info(facts: object, message: string): void
		warn(facts: object, message: string): void
	}
}

/** After a start it takes this long until all hosts have said what they run. */
const SETTLE_MS = 5_000
/** Many changes at once become one new table. */
const COALESCE_MS = 50
/** Any label below the base domain stands for all of them. */
const SAMPLE_LABEL = 'lattice-check'

/** Fronts the workloads of the whole lattice that expose "gateway", wherever they run. Needs no console. */
export class Gateway {
	readonly #options: GatewayOptions
	readonly #modules: GatewayModules
	readonly #balancer: Balancer
	readonly #slots = new Slots()
	readonly #http: HttpGateway
	readonly #book: PortBook
	readonly #reachability: Reachability
	readonly #names: NameWatch
	readonly #check: SelfCheck
	readonly #endings: (() => void)[] = []
	#table = new Map<string, Route>()
	#hosts: HostTable = new HostTable([], [])
	#host: string
	#httpPort = 0
	readonly #tls: Encryption | null
	#httpsPort: number | null = null
	#startedAt = 0
	#pending: NodeJS.Timeout | null = null
	#syncedAt = 0
	#syncTookMs = 0

	constructor(options: GatewayOptions, modules: GatewayModules) {
		this.#options = options
		this.#modules = modules
		this.#host = options.hosts[0] ?? options.address
		const { dialer, store, certificates, log, lookUp, now } = modules
		const onChange = () => this.#schedule()
		const isSettled = () => this.#isSettled
		this.#balancer = new Balancer({ dialer, route: (key) => this.#table.get(key) ?? null, isSettled })
		this.#reachability = new Reachability({ balancer: this.#balancer, onChange })
		const onCertificate = (name: string) => {
			this.#names.recheck(name)
			onChange()
		}
		const onHttp = (socket: TLSSocket) => this.#http.acceptNamed(socket)
		const onPostgres = (socket: TLSSocket, host: string | null) => void this.#onPostgres(socket, host)
		const encryption = { store: certificates, onHttp, onPostgres, onChange: onCertificate, log, ...(now && { now }) }
		this.#tls = options.tls && new Encryption(options.tls, encryption)
		this.#check = new SelfCheck(this.#tls?.roots ?? null)
		this.#names = new NameWatch({ check: this.#check, onChange, ...(lookUp && { lookUp }) })
		const onConnection = (key: string, row: GatewayPort, socket: Socket) => this.#onConnection(key, row, socket)
		this.#book = new PortBook(
			{ address: options.address, range: options.ports },
			{ store, onConnection, onChange, log },
		)
		this.#http = new HttpGateway({
			balancer: this.#balancer,
			slots: this.#slots,
			onPath: (key, path) => this.#reachability.onPath(key, path),
			byHost: (host) => this.#byHost(host),
			check: (path, host) => this.#check.answer(path) ?? this.#tls?.answer(path) ?? this.#askOthers(path, host),
		})
	}

	/** Resolves when all that it fronted before is served again. PORT_TAKEN for the port of the host names. */
	async start(): Promise<void> {
		const { directory, changes, log } = this.#modules
		const { address, httpPort } = this.#options
		this.#startedAt = Date.now()
		this.#httpPort = await this.#http.listen(address, httpPort)
		this.#httpsPort = (await this.#tls?.listen(address)) ?? null
		if (this.#tls === null && !isLoopback(address))
			log.warn(
				{ address },
				'what clients send to this gateway is not encrypted; give --gateway-tls-cert and --gateway-tls-key, or --gateway-acme-email',
			)
		await Promise.all([this.#book.reopen(), this.#chooseHost()])
		this.#endings.push(
			directory.onChange(() => this.#schedule()),
			changes.on(({ kind }) => (kind === 'workload' || kind === 'removed') && this.#schedule()),
		)
		const settled = setTimeout(() => this.#schedule(), SETTLE_MS + 1)
		this.#endings.push(() => clearTimeout(settled))
		this.#names.start({ http: this.#httpPort, https: this.#httpsPort })
		this.#sync()
		log.info(
			{ http: `http://${urlHost(this.#host)}:${this.#httpPort}`, https: this.#httpsPort, domain: this.#domain },
			'gateway ready',
		)
	}

	async stop(): Promise<void> {
		for (const end of this.#endings.splice(0)) end()
		if (this.#pending) clearTimeout(this.#pending)
		this.#names.stop()
		this.#reachability.stop()
		this.#book.stop()
		this.#tls?.close()
		await this.#http.close()
	}

	/** To a challenge by which an ACME server sees that a name leads here; null: none that is open. */
	answerTo(token: string): string | null {
		return this.#tls?.answerTo(token) ?? null
	}

	/** Only for names that it fronts itself: nobody else can have ordered for them. */
	#askOthers(path: string, host: string | null): Promise<string | null> | null {
		if (!path.startsWith(CHALLENGES) || host === null) return null
		const isOurs = this.#hosts.find(host) ?? this.#hosts.findDatabase(host)
		return isOurs && this.#modules.others.answer(path)
	}

	get #isSettled(): boolean {
		return Date.now() - this.#startedAt > SETTLE_MS
	}

	get #domain(): string {
		return this.#options.domain ?? sslipDomain(this.#host)
	}

	async #chooseHost(): Promise<void> {
		for (const host of this.#options.hosts) {
			if (!(await this.#check.leadsHere(new URL(`http://${urlHost(host)}:${this.#httpPort}`), host))) continue
			this.#host = host
			return
		}
	}

	#schedule(): void {
		if (this.#pending || this.#startedAt === 0) return
		// Never more than a tenth of the time, however many workloads change.
		const pause = Math.max(COALESCE_MS, 10 * this.#syncTookMs)
		const wait = Math.max(0, pause - (Date.now() - this.#syncedAt))
		this.#pending = setTimeout(() => {
			this.#pending = null
			this.#sync()
		}, wait)
	}

	/** The table anew from what hosts say now, and all that follows from it. */
	#sync(): void {
		this.#syncedAt = Date.now()
		const routes = routesOf(this.#modules.directory.reports())
		this.#table = new Map(routes.map((route) => [routeKey(route.workloadId, route.port.container), route]))
		this.#balancer.retain(new Set(this.#table.keys()))
		this.#hosts = new HostTable(routes, [this.#domain, 'localhost'])
		this.#book.follow(routes, this.#isSettled)
		this.#reachability.follow(routes)
		const sample = `${SAMPLE_LABEL}.${this.#domain}`
		const { domain } = this.#options
		const certified = domain ?? (mayBePublic(this.#host) ? this.#domain : null)
		this.#tls?.follow(routes, certified, (name) => this.#urlOf(name) !== null)
		const issued = this.#tls?.issued ?? []
		this.#names.watch(new Set([sample, ...routes.flatMap(({ domains }) => domains), ...issued]))
		this.#publish(routes)
		this.#syncTookMs = Date.now() - this.#syncedAt
	}

	#publish(routes: Route[]): void {
		const given = new Map<string, Endpoint[]>()
		for (const route of routes) {
			if (!route.wanted) continue
			const key = routeKey(route.workloadId, route.port.container)
			const port = this.#book.portOf(key)
			const endpoints = endpointsOf(route, {
				via: this.#options.node,
				isLocal: this.#isLocal(route),
				reach: this.#reachability.of(key),
				address: port === null ? null : `${urlHost(this.#host)}:${port}`,
				domain: this.#domain,
				httpsPort: this.#httpsPort,
				urlOf: (name) => this.#urlOf(name),
				stateOf: (name) => this.#names.stateOf(name),
				tls: this.#tls,
			})
			given.set(route.workloadId, [...(given.get(route.workloadId) ?? []), ...endpoints])
		}
		this.#modules.routes.replace(given)
	}

	/** Where a name was found to lead here; one below the base domain is as good as any other there. */
	#urlOf(name: string): string | null {
		const found = this.#names.stateOf(name)?.url
		if (found || !name.endsWith(`.${this.#domain}`)) return found ?? null
		const sample = `${SAMPLE_LABEL}.${this.#domain}`
		return this.#names.stateOf(sample)?.url?.replace(sample, name) ?? null
	}

	#isLocal({ hosts, replicas }: Route): boolean {
		return isLoopback(this.#host) && replicas <= 1 && hosts.every((peerId) => peerId === this.#options.node.peerId)
	}

	#onConnection(key: string, { workloadId, protocol }: GatewayPort, socket: Socket): void {
		const route = { key, workloadId }
		if (protocol === 'http') {
			this.#http.accept(socket, route)
			return
		}
		this.#serveTcp(route, socket)
	}

	#serveTcp(route: RouteRef, socket: Socket): void {
		const onPath = (of: string, path: Parameters<Reachability['onPath']>[1]) => this.#reachability.onPath(of, path)
		void serveTcp({ balancer: this.#balancer, slots: this.#slots, onPath, log: this.#modules.log }, route, socket)
	}

	/** Its client closes without a word when the name is unknown: no protocol of a database is spoken here. */
	async #onPostgres(socket: TLSSocket, host: string | null): Promise<void> {
		const route = host === null ? null : await this.#waitFor(() => this.#hosts.findDatabase(host))
		if (route) this.#serveTcp(route, socket)
		else socket.destroy()
	}

	#byHost(host: string): RouteRef | null | Promise<RouteRef | null> {
		const find = () => this.#hosts.find(host)
		const found = find()
		return found || this.#isSettled ? found && refOf(found) : this.#waitFor(find)
	}

	/** A gateway that has just started does not know all names yet. */
	async #waitFor(find: () => Route | null): Promise<RouteRef | null> {
		for (let found = find(); ; found = find()) {
			if (found || this.#isSettled) return found && refOf(found)
			await new Promise((resolve) => setTimeout(resolve, COALESCE_MS))
		}
	}
}

function refOf({ workloadId, port }: Route): RouteRef {
	return { key: routeKey(workloadId, port.container), workloadId }
}

function urlHost(host: string): string {
	return host.includes(':') ? `[${host}]` : host
}
