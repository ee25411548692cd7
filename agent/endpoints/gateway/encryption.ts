import type { TLSSocket } from 'node:tls'
import type { GatewayCertificates } from '../../store/gateway-certificates.ts'
import { type AcmeOptions, AcmeServer } from './acme/acme-server.ts'
import { Certificates, type CertificatesModules } from './acme/certificates.ts'
import { certificateNames } from './acme/names.ts'
import type { Route } from './table.ts'
import { type CertificateFiles, TlsPort } from './tls-port.ts'

export interface TlsOptions {
	/** 0: any free one */
	httpsPort: number
	/** a certificate of one's own; null: none */
	files: CertificateFiles | null
	/** certificates for names that it is not for; null: none */
	acme: AcmeOptions | null
}

export interface EncryptionModules {
	store: GatewayCertificates
	onHttp: (socket: TLSSocket) => void
	onPostgres: (socket: TLSSocket, host: string | null) => void
	/** another certificate is served for this name, or why there is none is known */
	onChange: (name: string) => void
	now?: () => number
	log: CertificatesModules['log'] & { debug(facts: object, message: string): void }
}

/** What a gateway shows to prove its names, and the port where it does. */
export class Encryption {
	readonly #options: TlsOptions
	readonly #port: TlsPort
	readonly #server: AcmeServer | null
	readonly #certificates: Certificates | null = null
	#names: ReadonlyMap<string, string> = new Map()

	constructor(options: TlsOptions, { store, onChange, now, ...modules }: EncryptionModules) {
		this.#options = options
		this.#server = options.acme && new AcmeServer(options.acme, store)
		if (this.#server)
			this.#certificates = new Certificates({
				store,
				server: this.#server,
				onChange,
				log: modules.log,
				...(now && { now }),
			})
		const contextOf = (host: string) => this.#certificates?.contextOf(host) ?? null
		this.#port = new TlsPort(options.files, { ...modules, contextOf })
	}

	/** What proves its names to itself; null: what everybody trusts. */
	get roots(): string[] | null {
		return this.#server?.roots ?? null
	}

	listen(address: string): Promise<number> {
		this.#certificates?.start()
		return this.#port.listen(address, this.#options.httpsPort)
	}

	close(): void {
		this.#certificates?.stop()
		this.#port.close()
	}

	/** Of a challenge by which the ACME server sees that a name leads here. */
	answer(path: string): string | null {
		return this.#server?.answer(path) ?? null
	}

	answerTo(token: string): string | null {
		return this.#server?.answerTo(token) ?? null
	}

	/** Certificates are ordered for names of these routes that lead here. `domain` null: for none below the base domain. */
	follow(routes: readonly Route[], domain: string | null, leadsHere: (name: string) => boolean): void {
		const isWanted = (name: string) => leadsHere(name) && !this.#port.covers(name)
		this.#names = this.#certificates ? certificateNames(routes, domain, isWanted) : new Map()
		this.#certificates?.want(this.#names)
	}

	/** Names with a certificate by ACME. */
	get issued(): string[] {
		return [...this.#names.keys()].filter((name) => this.#certificates?.contextOf(name))
	}

	serves(name: string): boolean {
		return this.#options.files !== null || this.#certificates?.contextOf(name) != null
	}

	/** Why this name, which is found at `url`, is not encrypted although it is to be; null: it is, or need not be. */
	warningOf(name: string, url: string): string | null {
		if (url.startsWith('https:') || !this.#names.has(name)) return null
		return (
			this.#certificates?.missingOf(name) ??
			'It has a certificate, which this gateway cannot verify when it dials the name; look at who issued it, and at the way to the port of --gateway-https.'
		)
	}
}
