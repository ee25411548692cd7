const BARE = /^[A-Za-z0-9_@%+=:,./-]+$/

/** One argument as a POSIX shell reads it back: https://pubs.opengroup.org/onlinepubs/9799919799/utilities/V3_chap02.html#tag_19_02 */
export function quoteWord(word: string): string {
	return BARE.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`
}

export function joinWords(words: readonly string[]): string {
	return words.map(quoteWord).join(' ')
}

/**
 * Words of a command line, with quotes and backslashes as in a shell; nothing is expanded, since no shell will run it.
 * An open quote ends with the text: half a command is shown as it is typed.
 */
export function splitWords(line: string): string[] {
	const words: string[] = []
	let word = ''
	let started = false
	let quote = ''
	for (let index = 0; index < line.length; index += 1) {
		const character = line.charAt(index)
		if (quote === "'") {
			if (character === "'") quote = ''
			else word += character
		} else if (
			character === '\\' &&
			index + 1 < line.length &&
			(quote === '' || '"\\$`'.includes(line.charAt(index + 1)))
		) {
			index += 1
			word += line.charAt(index)
			started = true
		} else if (character === quote) {
			quote = ''
		} else if (quote === '' && (character === "'" || character === '"')) {
			quote = character
			started = true
		} else if (quote === '' && /\s/.test(character)) {
			if (started) words.push(word)
			word = ''
			started = false
		} else {
			word += character
			started = true
		}
	}
	if (started) words.push(word)
	return words
}
