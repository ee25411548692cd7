import type { Measured } from './probe.ts'

/** `connected in 4.2 ms, HTTP 200 in 11 ms`. Apart from the schema, so that a page has the words without zod. */
export function measuresOf({ resolvedMs, connectedMs, answeredMs, httpStatus }: Measured): string {
	const parts = [
		resolvedMs !== null && `name found in ${resolvedMs} ms`,
		connectedMs !== null && `connected in ${connectedMs} ms`,
		answeredMs !== null && `HTTP ${httpStatus} in ${answeredMs} ms`,
	]
	return parts.filter(Boolean).join(', ')
}
