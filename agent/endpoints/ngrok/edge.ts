import type { Tunnel } from './plan.ts'

/** ngrok as the tunnels use it. Whatever it refuses is thrown as it says it, with its code. */
export interface NgrokEdge {
	connect(token: string, events: SessionEvents): Promise<EdgeSession>
}

export interface SessionEvents {
	/** the connection broke; it is made again by itself, and the tunnels with it */
	onLost(reason: string): void
	/** it answers: after a loss, everything is there again */
	onAnswer(): void
}

export interface EdgeSession {
	open(tunnel: Pick<Tunnel, 'name' | 'protocol' | 'target'>): Promise<EdgeTunnel>
	close(): Promise<void>
}

export interface EdgeTunnel {
	/** as ngrok gives it at this moment */
	url(): string
	close(): Promise<void>
}
