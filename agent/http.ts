import { type ServerType, serve } from '@hono/node-server'
import { LatticeError } from './protocol/index.ts'

/** Binds and serves; the error of a taken or forbidden address names it and the remedy. */
export function listen(
	fetch: (request: Request) => Response | Promise<Response>,
	host: string,
	port: number,
): Promise<{ server: ServerType; port: number }> {
	return new Promise((resolve, reject) => {
		const server = serve({ fetch, hostname: host, port }, (info) => resolve({ server, port: info.port }))
		server.once('error', (cause: NodeJS.ErrnoException) => {
			const why = cause.code === 'EADDRINUSE' ? 'is in use' : `cannot be bound (${cause.code ?? cause.message})`
			reject(
				new LatticeError(
					'PORT_TAKEN',
					`The agent's address ${host}:${port} ${why}; give another with --agent-port or --agent-host.`,
					{ host, port },
					{ cause },
				),
			)
		})
	})
}

/** Ends at once for idle connections; those that stream are cut, since their clients reconnect. */
export function closeServer(server: ServerType): Promise<void> {
	return new Promise((resolve) => {
		server.close(() => resolve())
		if ('closeAllConnections' in server) server.closeAllConnections()
	})
}
