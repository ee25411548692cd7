import type { Listener } from '@ngrok/ngrok'
import { LatticeError } from '../../protocol/index.ts'
import type { EdgeTunnel, NgrokEdge } from './edge.ts'

export interface SdkOptions {
	/** of an ngrok of one's own; null: ngrok's */
	serverAddr: string | null
	/** a PEM file, or `host` for what this machine trusts; null: ngrok's own */
	rootCas: string | null
}

/** A loss shows after this, and so does the recovery. */
const HEARTBEAT_S = 5

/** ngrok's own SDK: 17 MB that only an agent with something to expose loads. */
export function sdkEdge({ serverAddr, rootCas }: SdkOptions): NgrokEdge {
	return {
		async connect(token, { onLost, onAnswer }) {
			const { SessionBuilder } = await import('@ngrok/ngrok')
			// A session that is closed while it is being made again would come back.
			let wanted = true
			const builder = new SessionBuilder()
				.authtoken(token)
				.clientInfo('lattice', '1')
				.heartbeatInterval(HEARTBEAT_S)
				.handleHeartbeat(onAnswer)
				.handleDisconnection((_address, error) => {
					if (!wanted) return false
					onLost(error)
					return true
				})
			if (serverAddr !== null) builder.serverAddr(serverAddr)
			if (rootCas !== null) builder.rootCas(rootCas)
			const session = await builder.connect()
			return {
				open: async ({ name, protocol, target }) =>
					tunnelOf(
						protocol === 'http'
							? await session.httpEndpoint().metadata(name).listenAndForward(`http://${target}`)
							: await session.tcpEndpoint().metadata(name).listenAndForward(`tcp://${target}`),
					),
				close: () => {
					wanted = false
					return session.close()
				},
			}
		},
	}
}

function tunnelOf(listener: Listener): EdgeTunnel {
	return {
		url: () => {
			const url = listener.url()
			if (url === null) throw new LatticeError('INTERNAL', 'ngrok opened a tunnel without a URL; update @ngrok/ngrok.')
			return url
		},
		close: () => listener.close(),
	}
}
