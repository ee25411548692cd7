import { InvalidArgumentError } from 'commander'

/**
 * `--command` as argv, by the quoting rules of a POSIX shell and nothing else of it: no variables, no globs, no
 * operators, since the words go to the container as they are and no shell ever sees them.
 */
export function splitCommand(text: string): string[] {
	const words: string[] = []
	let word: string | null = null
	let quote: '"' | "'" | null = null
	for (let index = 0; index < text.length; index++) {
		const character = text.charAt(index)
		if (quote === "'") {
			if (character === "'") quote = null
			else word += character
		} else if (character === '\\') {
			const next = text.charAt(++index)
			if (next === '') throw new InvalidArgumentError('It ends in a backslash.')
			// inside double quotes a backslash escapes only what is special there
			word = (word ?? '') + (quote === '"' && !/["\\$`\n]/.test(next) ? `\\${next}` : next)
		} else if (quote === '"') {
			if (character === '"') quote = null
			else word += character
		} else if (character === '"' || character === "'") {
			quote = character
			word ??= ''
		} else if (/\s/.test(character)) {
			if (word !== null) words.push(word)
			word = null
		} else {
			word = (word ?? '') + character
		}
	}
	if (quote) throw new InvalidArgumentError(`A ${quote} is not closed.`)
	if (word !== null) words.push(word)
	if (words.length === 0) throw new InvalidArgumentError('It is empty.')
	return words
}
