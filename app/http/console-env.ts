import type { HttpBindings } from '@hono/node-server'

/** What Hono's handlers of the console share. */
export interface ConsoleEnv {
	Bindings: HttpBindings
	Variables: {
		/** of this answer's Content-Security-Policy */
		nonce: string
	}
}
