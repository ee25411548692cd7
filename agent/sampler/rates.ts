/** What one counter grew by, each second. Null: nothing to compare with, or the counter began anew. */
export function rateOf(before: number | null | undefined, now: number | null, seconds: number): number | null {
	if (before === null || before === undefined || now === null || seconds <= 0 || now < before) return null
	return (now - before) / seconds
}
