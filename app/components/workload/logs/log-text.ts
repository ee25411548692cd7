const ESCAPE = String.fromCharCode(27)

/** Colours and cursor moves of terminals (ECMA-48 control sequences) say nothing on a page. */
const SEQUENCE = new RegExp(`${ESCAPE}(?:\\[[0-9;?]*[ -/]*[@-~]|\\][^${ESCAPE}\\u0007]*(?:\\u0007|${ESCAPE}\\\\))`, 'g')

export function plainText(text: string): string {
	return text.includes(ESCAPE) ? text.replace(SEQUENCE, '') : text
}
