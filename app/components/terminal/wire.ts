/** The terminal's socket (app/http/terminal-socket.server.ts): bytes are binary, all else is JSON. */
export type Told =
	| { type: 'ready' }
	| { type: 'exit'; code: number | null; reason: string | null }
	| { type: 'error'; error: { code: string; message: string } }

/** The first byte of output says which stream it is of; a terminal has one. */
export const STREAM_BYTE = 1

/** A paste in pieces that the server takes. */
export const INPUT_BYTES = 32 * 1024
