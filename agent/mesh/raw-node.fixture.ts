import { noise } from '@chainsafe/libp2p-noise'
import { yamux } from '@chainsafe/libp2p-yamux'
import { generateKeyPairFromSeed } from '@libp2p/crypto/keys'
import { tcp } from '@libp2p/tcp'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p, type Libp2p } from 'libp2p'
import type { SigningKey } from '../identity/index.ts'
import { encodeFrame, FrameDecoder } from './frame-decoder.ts'
import type { Connection } from './libp2p-types.ts'

/** libp2p with none of our rules: what an attacker brings. */
export async function rawNode(key: SigningKey): Promise<Libp2p> {
	return createLibp2p({
		privateKey: await generateKeyPairFromSeed('Ed25519', Buffer.from(key.seed, 'base64url')),
		transports: [tcp()],
		connectionEncrypters: [noise()],
		streamMuxers: [yamux()],
		connectionMonitor: { enabled: false },
	})
}

export async function rawDial(node: Libp2p, addresses: string[]): Promise<Connection> {
	return node.dial(addresses.map((address) => multiaddr(address)))
}

/** Sends the frames and gives every frame that comes back until the stream ends; `reset` when it was reset. */
export async function rawExchange(
	connection: Connection,
	protocol: string,
	sent: (unknown | Uint8Array)[],
): Promise<{ frames: unknown[]; reset: boolean }> {
	const frames: unknown[] = []
	try {
		const stream = await connection.newStream(protocol, { signal: AbortSignal.timeout(5_000) })
		const decoder = new FrameDecoder()
		const ended = new Promise<boolean>((resolve) => {
			stream.addEventListener('message', ({ data }) => {
				for (const frame of decoder.push(data.subarray())) frames.push(JSON.parse(Buffer.from(frame).toString()))
			})
			stream.addEventListener('remoteCloseWrite', () => resolve(false))
			stream.addEventListener('close', ({ error }) => resolve(error !== undefined))
			// It may have been reset before anyone listened.
			if (stream.status !== 'open') resolve(true)
		})
		for (const frame of sent) stream.send(frame instanceof Uint8Array ? frame : encodeFrame(frame))
		const reset = await ended
		stream.abort(new Error('done'))
		return { frames, reset }
	} catch {
		// Negotiation was reset: the attacker did not even get that far.
		return { frames, reset: true }
	}
}
