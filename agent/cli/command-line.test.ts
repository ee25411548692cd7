import { execFileSync } from 'node:child_process'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { splitCommand } from './command-line.ts'

describe('splitCommand', () => {
	it.each([
		['nginx -g "daemon off;"', ['nginx', '-g', 'daemon off;']],
		["sh -c 'echo $HOME'", ['sh', '-c', 'echo $HOME']],
		['a\\ b c', ['a b', 'c']],
		['""', ['']],
		['a"b"\'c\'', ['abc']],
		['"a\\"b\\n"', ['a"b\\n']],
		['  x  \n y ', ['x', 'y']],
	])('%s', (text, words) => {
		expect(splitCommand(text)).toEqual(words)
	})

	it.each(['', '   ', '"open', "it's", 'ends\\'])('refuses %j', (text) => {
		expect(() => splitCommand(text)).toThrow()
	})

	it('gives back any words that were quoted, whichever way', () => {
		const single = (word: string) => `'${word.replaceAll("'", "'\\''")}'`
		const double = (word: string) => `"${word.replaceAll(/["\\$`]/g, '\\$&')}"`
		const bare = (word: string) => word.replaceAll(/[^\n]/gu, '\\$&')
		const word = fc.string({ unit: 'grapheme-ascii', minLength: 1 })
		const quoted = fc
			.tuple(word, fc.constantFrom(single, double, bare))
			.map(([text, quote]) => ({ text, written: quote(text) }))
		fc.assert(
			fc.property(fc.array(quoted, { minLength: 1 }), (words) => {
				expect(splitCommand(words.map(({ written }) => written).join(' '))).toEqual(words.map(({ text }) => text))
			}),
		)
	})

	it('agrees with /bin/sh', () => {
		const text = `one 'two  three' "four \\"five\\"" six\\ seven 'it'\\''s'`
		const shell = execFileSync('/bin/sh', ['-c', `printf '%s\\n' ${text}`], { encoding: 'utf8' })
		expect(splitCommand(text)).toEqual(shell.trimEnd().split('\n'))
	})
})
