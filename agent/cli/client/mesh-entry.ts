import { type Authority, authorityOfDevice } from '../../commands/authority.ts'
import { Directory } from '../../commands/directory.ts'
import { Entry } from '../../commands/entry.ts'
import { keyFromSeed, ReportProofs, Trust } from '../../identity/index.ts'
import { createPeer, type Peer } from '../../mesh/index.ts'
import type { Claimants } from '../../scheduler/claimer.ts'
import type { Device } from '../config.ts'
import { Gatherer } from './gather.ts'

/** This process as a client peer of the mesh, and an entry of its own. */
export interface MeshEntry {
	peer: Peer
	authority: Authority
	directory: Directory
	gatherer: Gatherer
	entry: Entry
}

/** Joins with the device certificate and learns from the agents what they hold. `seed` is the device's key. */
export async function openMeshEntry(device: Device, seed: string): Promise<MeshEntry> {
	const trust = new Trust({ latticeId: device.latticeId, rootPublicKey: device.rootPublicKey })
	for (const issuer of device.issuers) await trust.addIssuer(issuer)
	const authority = await authorityOfDevice(trust, device.certificate, seed)

	const quiet = () => undefined
	const peer = await createPeer({
		key: keyFromSeed(seed),
		listen: [],
		trust: () => trust,
		certificate: () => device.certificate,
		log: { debug: quiet, info: quiet, warn: quiet, error: quiet },
	})
	await peer.start()
	const directory = new Directory(null)
	const gatherer = new Gatherer({ peer, authority, directory, proofs: new ReportProofs(trust) }, device.members)
	try {
		await gatherer.refresh()
	} catch (error) {
		await peer.stop()
		throw error
	}
	const entry = new Entry({
		peerId: peer.peerId,
		directory,
		send: (peerId, request, signal) => peer.command(peerId, request, { signal }),
		claimants: () => connectedRoles(peer),
	})
	return { peer, authority, directory, gatherer, entry }
}

function connectedRoles(peer: Peer): Claimants {
	const connected = peer.connected()
	const console = connected.find(({ certificate }) => certificate.role === 'console')?.peerId ?? null
	const agents = connected.filter(({ certificate }) => certificate.role === 'agent').map(({ peerId }) => peerId)
	return { console, agents }
}
