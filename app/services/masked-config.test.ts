import { describe, expect, it } from 'vitest'
import { maskedConfig } from './masked-config.ts'

describe('a config for other eyes', () => {
	it('names its variables and hides their values', () => {
		const masked = maskedConfig({ image: 'x', env: { A: 'secret' } })
		expect(masked).toEqual({ image: 'x', env: { A: '••••••' } })
		expect(maskedConfig({ image: 'x' })).toEqual({ image: 'x' })
	})
})
