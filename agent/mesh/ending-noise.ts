import { noise } from '@chainsafe/libp2p-noise'

type Factory = ReturnType<typeof noise>
type Secured = Awaited<ReturnType<ReturnType<Factory>['secureOutbound']>>

/**
 * Noise whose connection ends, with all its streams, when something is written after it has closed for writing. In 3.3 a
 * connection whose lower half was closed by the other end (a circuit, when the relay goes) can stay open in the eyes of
 * the muxer, which sends in a microtask: there the error of that write is nobody's, and would end the process.
 */
export function endingNoise(): Factory {
	return (components) => {
		const encrypter = noise()(components)
		const inbound = encrypter.secureInbound.bind(encrypter)
		const outbound = encrypter.secureOutbound.bind(encrypter)
		encrypter.secureInbound = async (...args) => ending(await inbound(...args))
		encrypter.secureOutbound = async (...args) => ending(await outbound(...args))
		return encrypter
	}
}

function ending<T extends Secured>(secured: T): T {
	const { connection } = secured
	const send = connection.send.bind(connection)
	connection.send = (data) => {
		const status = 'writeStatus' in connection ? connection.writeStatus : 'writable'
		if (status !== 'closing' && status !== 'closed') return send(data)
		// What is still to be written when it closes in peace is written; there is room for nothing more.
		if (status === 'closed') connection.abort(new Error('the connection has ended'))
		return true
	}
	return secured
}
