import { X509Certificate } from 'node:crypto'
import { createSecureContext, type SecureContext } from 'node:tls'
import type { GatewayCertificate, GatewayCertificates, IssuedCertificate } from '../../../store/gateway-certificates.ts'
import type { AcmeFailure } from './failure.ts'
import { dueAt, nextOrder, type Standing } from './order-plan.ts'

/** Also how late a renewal may begin. */
const PASS_MS = 10_000

export interface CertificatesModules {
	store: Pick<GatewayCertificates, 'all' | 'put' | 'remove'>
	server: { issue(name: string): Promise<IssuedCertificate> }
	/** another certificate is served for this name, or why there is none is known */
	onChange: (name: string) => void
	now?: () => number
	log: { info(facts: object, message: string): void; warn(facts: object, message: string): void }
}

interface Held extends GatewayCertificate {
	validity: Standing['validity']
	context: SecureContext | null
}

/** A certificate for each name that is wanted: ordered one after the other, renewed ahead of its end, served until its last moment. */
export class Certificates {
	readonly #modules: CertificatesModules
	readonly #now: () => number
	readonly #held = new Map<string, Held>()
	/** name → owner */
	#wanted: ReadonlyMap<string, string> = new Map()
	#timer: NodeJS.Timeout | null = null
	#ordering: Promise<void> | null = null

	constructor(modules: CertificatesModules) {
		this.#modules = modules
		this.#now = modules.now ?? Date.now
		for (const row of modules.store.all()) this.#held.set(row.name, held(row))
	}

	start(): void {
		this.#timer = setInterval(() => void this.pass(), PASS_MS).unref()
	}

	stop(): void {
		if (this.#timer) clearInterval(this.#timer)
		this.#timer = null
	}

	/** For exactly these names, each with its owner, certificates are ordered from now on. */
	want(names: ReadonlyMap<string, string>): void {
		this.#wanted = names
		if (this.#timer) void this.pass()
	}

	/** What to show to a client that asks for this name; null: nothing that is valid. */
	contextOf(name: string): SecureContext | null {
		const { context = null, validity = null } = this.#held.get(name) ?? {}
		return validity !== null && this.#now() < validity.to ? context : null
	}

	/** Why a wanted name has no valid certificate; null when it has, or none is wanted. */
	missingOf(name: string): string | null {
		if (this.#wanted.get(name) === undefined || this.contextOf(name) !== null) return null
		const known = this.#held.get(name)
		if (!known?.reason) return 'Its certificate is being ordered.'
		return `${known.reason} The next try is at ${new Date(dueAt(name, known)).toISOString()}.`
	}

	/** The orders that are due, one at a time. */
	pass(): Promise<void> {
		this.#ordering ??= this.#orderDue()
			.catch((err) =>
				this.#modules.log.warn({ err }, 'certificates could not be looked after; they are looked at again'),
			)
			.finally(() => {
				this.#ordering = null
			})
		return this.#ordering
	}

	async #orderDue(): Promise<void> {
		this.#forgetEnded()
		for (let name = this.#next(); name !== null && this.#timer; name = this.#next()) await this.#order(name)
	}

	#next(): string | null {
		const wanted = new Map<string, Standing>()
		for (const [name, owner] of this.#wanted) {
			const known = this.#held.get(name)
			wanted.set(name, { validity: null, failures: 0, orderedAt: null, ...known, owner })
		}
		return nextOrder(wanted, [...this.#held.values()], this.#now())
	}

	async #order(name: string): Promise<void> {
		const { server, onChange, log } = this.#modules
		const before = this.#held.get(name)
		const begun: GatewayCertificate = {
			name,
			owner: this.#wanted.get(name) ?? '',
			issued: before?.issued ?? null,
			failures: before?.failures ?? 0,
			orderedAt: this.#now(),
			reason: before?.reason ?? null,
		}
		// Before the server is asked: an agent that fails at this very order does not ask again and again.
		this.#keep({ ...begun, failures: begun.failures + 1 })
		const outcome = await server.issue(name).then(
			(issued) => ({ ...begun, issued, failures: 0, reason: null }),
			({ message, kind }: AcmeFailure) => {
				log.warn({ name, kind, reason: message }, 'no certificate; names without one are served in plain')
				return { ...begun, failures: begun.failures + 1, reason: message }
			},
		)
		if (this.#timer === null) return
		this.#keep(outcome)
		const until = this.#held.get(name)?.validity?.to
		if (outcome.reason === null) log.info({ name, until: until && new Date(until).toISOString() }, 'certificate issued')
		onChange(name)
	}

	#keep(row: GatewayCertificate): void {
		this.#held.set(row.name, held(row))
		this.#modules.store.put(row)
	}

	/** Of names that nobody wants any longer; a certificate is kept to its end, its workload may come back. */
	#forgetEnded(): void {
		for (const [name, { validity, orderedAt, failures }] of this.#held) {
			if (this.#wanted.has(name)) continue
			const end = validity?.to ?? dueAt(name, { owner: '', validity, failures, orderedAt })
			if (this.#now() < end) continue
			this.#held.delete(name)
			this.#modules.store.remove(name)
		}
	}
}

function held(row: GatewayCertificate): Held {
	if (row.issued === null) return { ...row, validity: null, context: null }
	const { chain: cert, key } = row.issued
	const { validFromDate, validToDate } = new X509Certificate(cert)
	const validity = { from: validFromDate.getTime(), to: validToDate.getTime() }
	return { ...row, validity, context: createSecureContext({ cert, key, minVersion: 'TLSv1.2' }) }
}
