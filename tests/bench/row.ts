/** One measurement. */
export interface BenchRow {
	name: string
	value: number
	unit: string
	/** null: reported without a goal */
	goal: string | null
	ok: boolean
}

export function row(name: string, value: number, unit: string, most: number | null = null): BenchRow {
	const rounded = Number(value.toPrecision(4))
	return { name, value: rounded, unit, goal: most === null ? null : `<= ${most}`, ok: most === null || rounded <= most }
}

export function percentile(values: readonly number[], share: number): number {
	const sorted = values.toSorted((a, b) => a - b)
	return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN
}
