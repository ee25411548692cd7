import { expect, it } from 'vitest'
import { plainText } from './log-text.ts'

const ESC = String.fromCharCode(27)

it('takes terminal sequences away and leaves the words', () => {
	expect(plainText(`${ESC}[1;31merror${ESC}[0m: [31m is text`)).toBe('error: [31m is text')
	expect(plainText(`${ESC}]0;title${String.fromCharCode(7)}after`)).toBe('after')
	expect(plainText('plain')).toBe('plain')
})
