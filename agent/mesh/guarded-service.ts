import type { Libp2pOptions } from 'libp2p'
import type { Connection } from './libp2p-types.ts'

type ServiceFactory = NonNullable<Libp2pOptions['services']>[string]
type Components = Parameters<ServiceFactory>[0]
type Registrar = Components['registrar']

/**
 * A service of libp2p whose protocols only admitted peers may speak: its handlers are registered behind the check, and
 * it is told of no other peer.
 * (libp2p's own middleware cannot serve: 3.3 pushes each stream's handler onto the registered array, so that the second
 * stream runs twice.)
 */
export function guarded<C, S>(
	factory: (components: C) => S,
	isAdmitted: (connection: Connection) => Promise<boolean>,
): (components: C & { registrar: Registrar }) => S {
	return (components) => {
		const registrar = guardedRegistrar(components.registrar, isAdmitted)
		return factory(
			new Proxy(components, { get: (all, name) => (name === 'registrar' ? registrar : Reflect.get(all, name)) }),
		)
	}
}

function guardedRegistrar(registrar: Registrar, isAdmitted: (connection: Connection) => Promise<boolean>): Registrar {
	const handle: Registrar['handle'] = (protocol, handler, options) =>
		registrar.handle(
			protocol,
			async (stream, connection) => {
				if (await isAdmitted(connection)) return handler(stream, connection)
				stream.abort(new Error('not admitted'))
			},
			options,
		)
	const register: Registrar['register'] = (protocol, topology) =>
		registrar.register(protocol, {
			...topology,
			onConnect: async (peerId, connection) => {
				if (await isAdmitted(connection)) topology.onConnect?.(peerId, connection)
			},
		})
	return new Proxy(registrar, {
		get: (all, name) => {
			if (name === 'handle') return handle
			if (name === 'register') return register
			const member: unknown = Reflect.get(all, name)
			return typeof member === 'function' ? member.bind(all) : member
		},
	})
}
