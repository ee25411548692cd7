import type { Libp2pOptions } from 'libp2p'
import type { Connection } from './libp2p-types.ts'

type ServiceFactory = NonNullable<Libp2pOptions['services']>[string]
type Components = Parameters<ServiceFactory>[0]
type Registrar = Components['registrar']

/**
 * A service of libp2p whose protocols only admitted peers may speak: its handlers are registered behind the check.
 * (libp2p's own middleware cannot serve: 3.3 pushes each stream's handler onto the registered array, so that the second
 * stream runs twice.)
 */
export function guarded<C, S>(
	factory: (components: C) => S,
	isAdmitted: (connection: Connection) => boolean,
): (components: C & { registrar: Registrar }) => S {
	return (components) => {
		const registrar = guardedRegistrar(components.registrar, isAdmitted)
		return factory(
			new Proxy(components, { get: (all, name) => (name === 'registrar' ? registrar : Reflect.get(all, name)) }),
		)
	}
}

function guardedRegistrar(registrar: Registrar, isAdmitted: (connection: Connection) => boolean): Registrar {
	const handle: Registrar['handle'] = (protocol, handler, options) =>
		registrar.handle(
			protocol,
			(stream, connection) => {
				if (isAdmitted(connection)) return handler(stream, connection)
				stream.abort(new Error('not admitted'))
			},
			options,
		)
	return new Proxy(registrar, {
		get: (all, name) => {
			if (name === 'handle') return handle
			const member: unknown = Reflect.get(all, name)
			return typeof member === 'function' ? member.bind(all) : member
		},
	})
}
