/** What one check found. `remedy` is a sentence with what to do; a finding that is ok needs none. */
export interface Finding {
	check: string
	status: 'ok' | 'warning' | 'failed'
	detail: string
	remedy?: string
}

export const ok = (check: string, detail: string): Finding => ({ check, status: 'ok', detail })
export const warning = (check: string, detail: string, remedy: string): Finding => ({
	check,
	status: 'warning',
	detail,
	remedy,
})
export const failed = (check: string, detail: string, remedy: string): Finding => ({
	check,
	status: 'failed',
	detail,
	remedy,
})
