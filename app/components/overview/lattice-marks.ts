import type { Tone } from '../ui/status.tsx'
import type { Dot } from './lattice-layout.ts'

/** Worst first: what does not fit into a crowd is well. */
export const TONES: readonly Tone[] = ['failed', 'degraded', 'unknown', 'progressing', 'stopped', 'healthy']

export interface ToneMarks {
	tone: Tone
	at: readonly Dot[]
}

/** Which of the places each tone takes; tones without any are left out. */
export function marksOf(counts: Record<Tone, number>, places: readonly Dot[]): ToneMarks[] {
	let taken = 0
	return TONES.flatMap((tone) => {
		const at = places.slice(taken, taken + counts[tone])
		taken += at.length
		return at.length === 0 ? [] : [{ tone, at }]
	})
}

/** One mark as a closed part of a path; `size` is its radius. */
export function outlineOf(tone: Tone, { x, y }: Dot, size: number): string {
	const at = (dx: number, dy: number) => `${tenth(x + dx * size)} ${tenth(y + dy * size)}`
	switch (tone) {
		case 'degraded':
			return `M${at(0, -1.2)}L${at(1.2, 1)}L${at(-1.2, 1)}Z`
		case 'failed':
			return `M${at(-1, -1)}L${at(1, -1)}L${at(1, 1)}L${at(-1, 1)}Z`
		case 'unknown':
			return `M${at(0, -1.2)}L${at(1.2, 0)}L${at(0, 1.2)}L${at(-1.2, 0)}Z`
		default: {
			const radius = tenth(size * (tone === 'healthy' ? 1 : 0.85))
			return `M${tenth(x - radius)} ${tenth(y)}a${radius} ${radius} 0 1 0 ${2 * radius} 0a${radius} ${radius} 0 1 0 ${-2 * radius} 0Z`
		}
	}
}

function tenth(value: number): number {
	return Math.round(value * 10) / 10
}
