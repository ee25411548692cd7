import { describe, expect, it } from 'vitest'
import { fillSnippet, hideSnippet } from './snippet.ts'

describe('a snippet', () => {
	it('names what is hidden, and carries what is shown', () => {
		expect(hideSnippet("psql '{connectionString}'")).toBe("psql '<connection string>'")
		expect(fillSnippet("psql '{connectionString}'", { connectionString: 'postgresql://app@h/app' })).toBe(
			"psql 'postgresql://app@h/app'",
		)
	})

	it('leaves other braces alone', () => {
		expect(hideSnippet('const a = { url: 1 }')).toBe('const a = { url: 1 }')
		expect(fillSnippet('{constructor}', {})).toBe('{constructor}')
	})
})
