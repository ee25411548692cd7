const ESCAPE = String.fromCharCode(27)

/** Colours and cursor moves of terminals (ECMA-48 control sequences) say nothing on a page. */
const SEQUENCE = new RegExp(`${ESCAPE}(?:\\[[0-9;?]*[ -/]*[@-~]|\\][^${ESCAPE}\\u0007]*(?:\\u0007|${ESCAPE}\\\\))`, 'g')

export function plainText(text: string): string {
	return text.includes(ESCAPE) ? text.replace(SEQUENCE, '') : text
}

/** By the reader's own clock, to the millisecond. */
export function clockText(at: string): string {
	const date = new Date(at)
	if (Number.isNaN(date.getTime())) return ''
	const pad = (value: number, size = 2) => String(value).padStart(size, '0')
	return `${pad(date.getHours())}:${pad(date.getMinutes())}:${pad(date.getSeconds())}.${pad(date.getMilliseconds(), 3)}`
}
