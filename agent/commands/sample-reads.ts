import type { Subject } from '../identity/index.ts'
import { type CommandFrame, type CommandOf, CommandResult, type Sample } from '../protocol/index.ts'
import type { SampleStore } from '../sampler/sample-store.ts'
import type { Sampler } from '../sampler/sampler.ts'
import type { Assignments } from '../store/assignments.ts'
import { mayTouch, notFound } from './ownership.ts'

export interface SampleReadsModules {
	assignments: Pick<Assignments, 'get'>
	store: Pick<SampleStore, 'read'>
	sampler: Pick<Sampler, 'follow'>
}

/** A frame stays far below its limit: a sample is about 350 bytes. */
const SAMPLES_A_FRAME = 500

/** What was measured here. How busy the machine is everybody may know; what a workload uses only who may touch it. */
export class SampleReads {
	readonly #modules: SampleReadsModules

	constructor(modules: SampleReadsModules) {
		this.#modules = modules
	}

	async *samples(command: CommandOf<'samples'>, subject: Subject, signal: AbortSignal): AsyncIterable<CommandFrame> {
		const { store, sampler } = this.#modules
		if (command.workloadId !== null && !this.#mayRead(command.workloadId, subject)) throw notFound(command.workloadId)
		const mayRead = new Map<string, boolean>()
		const may = (workloadId: string) => {
			const known = mayRead.get(workloadId) ?? this.#mayRead(workloadId, subject)
			mayRead.set(workloadId, known)
			return known
		}
		const wanted = (samples: Sample[]) => samples.filter((sample) => isWanted(sample, command, may))
		// It listens from the first `next` on: asked for before the history is read, nothing falls between the two.
		const following = command.follow ? sampler.follow(signal)[Symbol.asyncIterator]() : null
		let coming = following?.next()
		try {
			const history = wanted(store.read(command.resolution, command.since))
			for (let from = 0; from < history.length; from += SAMPLES_A_FRAME)
				yield { type: 'samples', samples: history.slice(from, from + SAMPLES_A_FRAME) }
			while (following && coming) {
				const round = await coming
				if (round.done) break
				coming = following.next()
				const samples = wanted(round.value)
				if (samples.length > 0) yield { type: 'samples', samples }
			}
		} finally {
			coming?.catch(() => undefined)
			// Not awaited: a generator that waits for its next round returns only after it.
			following?.return?.(undefined)?.catch(() => undefined)
		}
		yield { type: 'result', result: CommandResult.parse({}) }
	}

	#mayRead(workloadId: string, subject: Subject): boolean {
		const assignment = this.#modules.assignments.get(workloadId)
		return assignment !== null && mayTouch(subject, assignment.owner)
	}
}

function isWanted(
	{ workloadId }: Sample,
	command: CommandOf<'samples'>,
	may: (workloadId: string) => boolean,
): boolean {
	if (command.workloadId !== null) return workloadId === command.workloadId
	return workloadId === null || (command.replicas && may(workloadId))
}
