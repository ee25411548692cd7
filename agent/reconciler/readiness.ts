import { request } from 'node:http'
import { connect } from 'node:net'
import type { ObservedContainer, Probe } from '../runtime/runtime.ts'
import type { ReplicaRow } from '../store/assignments.ts'
import type { Readiness } from './plan.ts'

/** A container without any check counts as stable once it has run this long. */
export const STABLE_AFTER_MS = 10_000
const PROBE_TIMEOUT_MS = 2000

/**
 * Where the agent asks whether a container serves: its own address on the tenant's bridge where the host can reach it
 * (Linux), else the port published on loopback.
 */
function targetOf(container: ObservedContainer, row: ReplicaRow, port: number): { host: string; port: number } | null {
	if (process.platform === 'linux' && container.address) return { host: container.address, port }
	const binding = row.ports.find((candidate) => candidate.container === port)
	return binding ? { host: binding.address === '0.0.0.0' ? '127.0.0.1' : binding.address, port: binding.port } : null
}

export async function readinessOf(
	container: ObservedContainer,
	row: ReplicaRow,
	probe: Probe | null,
	now: number,
): Promise<Readiness> {
	if (container.health !== 'none') return container.health === 'healthy' ? 'ready' : 'waiting'
	if (!probe) {
		const since = container.startedAt ? now - Date.parse(container.startedAt) : 0
		return since >= STABLE_AFTER_MS ? 'stable' : 'young'
	}
	const target = targetOf(container, row, probe.port)
	if (!target) return 'waiting'
	const answers = probe.kind === 'http' ? await httpAnswers(target, probe.path ?? '/') : await tcpAnswers(target)
	return answers ? 'ready' : 'waiting'
}

function tcpAnswers(target: { host: string; port: number }): Promise<boolean> {
	return new Promise((resolve) => {
		const socket = connect({ ...target, timeout: PROBE_TIMEOUT_MS })
		const settle = (value: boolean) => {
			socket.destroy()
			resolve(value)
		}
		socket.once('connect', () => settle(true))
		socket.once('error', () => settle(false))
		socket.once('timeout', () => settle(false))
	})
}

function httpAnswers(target: { host: string; port: number }, path: string): Promise<boolean> {
	return new Promise((resolve) => {
		const asked = request(
			{ ...target, path, timeout: PROBE_TIMEOUT_MS, headers: { connection: 'close' } },
			(response) => {
				response.resume()
				const status = response.statusCode ?? 500
				resolve(status >= 200 && status < 400)
			},
		)
		asked.once('error', () => resolve(false))
		asked.once('timeout', () => asked.destroy(new Error('probe timed out')))
		asked.end()
	})
}
