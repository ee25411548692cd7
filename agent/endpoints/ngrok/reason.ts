/** ngrok's own words and code on one line. It repeats the token that it refuses; what people read does not. */
export function reasonOf(thrown: unknown, token: string): string {
	const text = thrown instanceof Error ? thrown.message : String(thrown)
	const said = token === '' ? text : text.replaceAll(token, '(auth token)')
	return `ngrok: ${said.replaceAll(/\s+/g, ' ').trim()}`
}
