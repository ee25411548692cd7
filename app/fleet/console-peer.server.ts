import { mkdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import {
	generateKey,
	issueMembership,
	keyFromSeed,
	peerIdOf,
	type SigningKey,
	type Trust,
} from '../../agent/identity/index.ts'
import { createPeer, Members, type MeshLog, type Peer, WITH_MEMBERS } from '../../agent/mesh/index.ts'
import { createSecretFile, readIfThere } from '../secret-file.server.ts'

/** Its own certificate is made anew well before it ends; the console is the issuer, so nobody need be asked. */
const RENEW_MS = 86_400_000
/** Nodes elsewhere dial the console, too: behind NAT they are the only ones that can. Strangers are refused. */
const ANY_PORT = '/ip4/0.0.0.0/tcp/0'

export interface ConsolePeerOptions {
	home: string
	/** null: any free port, then remembered */
	listen: string | null
	announce: string[]
	latticeId: string
	issuer: SigningKey
	trust: Trust
	/** nodes of its records: where they were last */
	known: { peerId: string; addresses: string[] }[]
	log: MeshLog
}

export interface ConsolePeer {
	peer: Peer
	/** who there is and who answers; it listens once it is started */
	members: Members
	stop(): Promise<void>
}

/** The console as a peer of its lattice: its own key in HOME/console, a certificate it issues to itself. */
export async function startConsolePeer(options: ConsolePeerOptions): Promise<ConsolePeer> {
	const folder = path.join(options.home, 'console')
	await mkdir(folder, { recursive: true, mode: 0o700 })
	const key = await loadKey(path.join(folder, 'peer.key'))
	const peerId = peerIdOf(key.publicKey)
	const certify = () =>
		issueMembership(options.issuer, {
			latticeId: options.latticeId,
			peerId,
			name: 'console',
			role: 'console',
			labels: {},
			gateway: false,
		})
	let certificate = await certify()
	const create = async (listen: string[]) => {
		const { announce, trust, log } = options
		const peer = await createPeer({
			...{ key, listen, announce, log, timeouts: WITH_MEMBERS },
			...{ trust: () => trust, certificate: () => certificate },
		})
		await peer.start()
		return peer
	}
	const peer =
		options.listen === null ? await onRememberedPort(folder, create) : await create(splitList(options.listen))
	const renewal = setInterval(() => {
		const renew = async () => {
			certificate = await certify()
			await peer.announce()
		}
		renew().catch((error: unknown) => options.log.error({ err: error }, 'the console could not renew its certificate'))
	}, RENEW_MS).unref()
	const { trust, log, known } = options
	// It announces nothing, so nobody compares its incarnations; they rise with time all the same.
	const incarnation = Math.floor(Date.now() / 1000)
	const members = new Members({ peer, key, trust, certificate: () => certificate, incarnation, known, log })
	return {
		peer,
		members,
		stop: async () => {
			clearInterval(renewal)
			members.stop()
			await peer.stop()
		},
	}
}

/** Nodes and invites remember where the console was: it comes back at the same port when that is free. */
async function onRememberedPort(folder: string, create: (listen: string[]) => Promise<Peer>): Promise<Peer> {
	const file = path.join(folder, 'mesh-listen')
	const remembered = (await readIfThere(file))?.trim() || null
	const peer = await create([remembered ?? ANY_PORT]).catch((error: unknown) => {
		if (remembered === null) throw error
		return create([ANY_PORT])
	})
	const port = /\/tcp\/(\d+)/.exec(peer.addresses()[0] ?? '')?.[1]
	const listening = ANY_PORT.replace(/\d+$/, port ?? '0')
	if (port !== undefined && listening !== remembered) await writeFile(file, `${listening}\n`, { mode: 0o600 })
	return peer
}

async function loadKey(file: string): Promise<SigningKey> {
	const seed = (await readIfThere(file)) ?? (await createSecretFile(file, `${generateKey().seed}\n`))
	return keyFromSeed(seed.trim())
}

function splitList(text: string): string[] {
	return text
		.split(',')
		.map((item) => item.trim())
		.filter((item) => item !== '')
}
