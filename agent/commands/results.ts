import { type CommandFrame, type CommandResult, LatticeError } from '../protocol/index.ts'

export type ResultFrame = Extract<CommandFrame, { type: 'result' }>

/** The one result of a command's answer; its error is thrown. */
export async function resultOf(frames: AsyncIterable<CommandFrame>): Promise<CommandResult> {
	for await (const frame of frames) {
		if (frame.type === 'error') throw LatticeError.fromWire(frame.error)
		if (frame.type === 'result') return frame.result
	}
	throw new LatticeError(
		'HOST_UNREACHABLE',
		'The host went away before it answered; ask again with the same command id.',
	)
}

/** Of several hosts one result: the replicas of all, and the status that asks for attention first. */
export function joinResults(one: ResultFrame | null, other: ResultFrame): ResultFrame {
	const a = one?.result.report
	const b = other.result.report
	if (!one || !a || !b) return a && one ? one : other
	const worse = b.status !== 'running' ? b : a
	const newer = new Set(b.replicas.map(({ index }) => index))
	const replicas = [...a.replicas.filter(({ index }) => !newer.has(index)), ...b.replicas]
	return {
		type: 'result',
		result: { ...one.result, report: { ...worse, replicas: replicas.sort((x, y) => x.index - y.index) } },
	}
}
