import type { Duplex } from 'node:stream'
import type { DialPath } from '../dialer.ts'
import { cutOff } from './cut-off.ts'

export interface PlaneLabels {
	path: DialPath['kind']
	workload: string
	/** `host`: towards the container; `entry`: from the client */
	side: 'host' | 'entry'
}

/** What the kernel counted on a socket: nothing is counted chunk by chunk. */
type Counted = Duplex & { bytesRead?: number; bytesWritten?: number }

export interface PlaneTotals extends PlaneLabels {
	open: number
	/** from the container */
	received: number
	/** to the container */
	sent: number
}

/** Connections and bytes of the data plane, by path and workload. What is open is counted when somebody asks. */
export class PlaneMetrics {
	readonly #closed = new Map<string, PlaneTotals>()
	readonly #open = new Map<Counted, PlaneLabels>()

	count(socket: Counted, labels: PlaneLabels): void {
		this.#open.set(socket, labels)
		socket.once('close', () => {
			this.#open.delete(socket)
			add(this.#closed, labels, { open: 0, ...bytesOf(socket) })
		})
	}

	totals(): PlaneTotals[] {
		const totals = new Map([...this.#closed].map(([key, value]) => [key, { ...value }]))
		for (const [socket, labels] of this.#open) add(totals, labels, { open: 1, ...bytesOf(socket) })
		return [...totals.values()]
	}

	/** Ends every connection that is counted. */
	closeAll(): void {
		for (const socket of this.#open.keys()) cutOff(socket)
	}

	/** A workload that is gone needs no numbers: there would be more and more of them. */
	forget(workload: string): void {
		for (const [key, totals] of this.#closed) if (totals.workload === workload) this.#closed.delete(key)
	}
}

function bytesOf({ bytesRead = 0, bytesWritten = 0 }: Counted) {
	return { received: bytesRead, sent: bytesWritten }
}

function add(
	to: Map<string, PlaneTotals>,
	labels: PlaneLabels,
	more: { open: number; received: number; sent: number },
): void {
	const key = `${labels.side} ${labels.path} ${labels.workload}`
	const totals = to.get(key) ?? { ...labels, open: 0, received: 0, sent: 0 }
	totals.open += more.open
	totals.received += more.received
	totals.sent += more.sent
	to.set(key, totals)
}
