/** `{connectionString}`, while it is hidden, becomes `<connection string>`. */
export function hideSnippet(text: string): string {
	return text.replace(/\{([a-zA-Z]+)\}/g, (_, name: string) => `<${wordsOf(name)}>`)
}

/** `connectionString` → `connection string` */
export function wordsOf(name: string): string {
	return name.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`)
}

/** `{name}` becomes the credential of that name; one that is not there keeps its braces, so that the gap shows. */
export function fillSnippet(text: string, credentials: Record<string, string>): string {
	return text.replace(/\{([a-zA-Z]+)\}/g, (whole, name: string) =>
		Object.hasOwn(credentials, name) ? String(credentials[name]) : whole,
	)
}
