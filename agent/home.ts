import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { generateKey, Keyring, keyFromSeed, type SigningKey } from './identity/index.ts'
import { LatticeError, Member } from './protocol/index.ts'

/** What enrolment gave: enough to prove oneself to members and to check them, with no console. */
export const Enrolment = z.object({
	latticeId: z.string(),
	rootPublicKey: z.string(),
	issuers: z.array(z.string()),
	revocations: z.array(z.string()).default([]),
	certificate: z.string(),
	members: z.array(Member),
})
export type Enrolment = z.infer<typeof Enrolment>

const SecretsFile = z.object({ active: z.string(), keys: z.record(z.string(), z.string()) })

/**
 * The agent's folder, HOME/agent: its key, its enrolment, the key of its sealed records, its store. All files are 0600
 * and are replaced by rename, so that a crash leaves the old or the new one, never half of either.
 */
export class AgentHome {
	readonly directory: string

	constructor(home: string) {
		this.directory = join(home, 'agent')
		mkdirSync(this.directory, { recursive: true, mode: 0o700 })
		chmodSync(this.directory, 0o700)
	}

	get storePath(): string {
		return join(this.directory, 'store.sqlite')
	}

	/** What was measured here; of no harm when it is lost. */
	get samplesPath(): string {
		return join(this.directory, 'samples.sqlite')
	}

	/** The peer's own key, made once: its peer id is the node's identity for life. */
	key(): SigningKey {
		const path = join(this.directory, 'key')
		if (existsSync(path)) return keyFromSeed(readFileSync(path, 'utf8').trim())
		const key = generateKey()
		this.#write('key', key.seed)
		return key
	}

	keyring(): Keyring {
		const path = join(this.directory, 'secrets.json')
		if (existsSync(path)) return new Keyring(this.#read('secrets.json', SecretsFile))
		const keyring = Keyring.create()
		this.#write('secrets.json', JSON.stringify(keyring.export()))
		return keyring
	}

	enrolment(): Enrolment | null {
		return existsSync(join(this.directory, 'enrolment.json')) ? this.#read('enrolment.json', Enrolment) : null
	}

	saveEnrolment(enrolment: Enrolment): void {
		this.#write('enrolment.json', JSON.stringify(enrolment))
	}

	/** Puts the identity and all that was held with it aside; the folder may join again as another node. */
	retire(): void {
		renameSync(this.directory, `${this.directory}.left-${new Date().toISOString().replaceAll(':', '-')}`)
	}

	#read<T>(file: string, schema: z.ZodType<T>): T {
		const path = join(this.directory, file)
		try {
			return schema.parse(JSON.parse(readFileSync(path, 'utf8')))
		} catch (cause) {
			throw new LatticeError(
				'INTERNAL',
				`${path} is damaged; restore it from a backup, or move ${this.directory} away and join again.`,
				{ path },
				{ cause },
			)
		}
	}

	#write(file: string, text: string): void {
		const path = join(this.directory, file)
		const draft = `${path}.${process.pid}`
		writeFileSync(draft, text, { mode: 0o600, flush: true })
		renameSync(draft, path)
	}
}
