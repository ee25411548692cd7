import { describe, expect, it } from 'vitest'
import { fromElsewhere } from './served-urls.ts'

describe('the URL for other machines', () => {
	it('names an address where the console listens on all of them', () => {
		expect(fromElsewhere('http://0.0.0.0:3000', '10.1.2.3')).toBe('http://10.1.2.3:3000')
		expect(fromElsewhere('http://[::]:3000', '10.1.2.3')).toBe('http://10.1.2.3:3000')
	})

	it('is not said where the URL is good or none can be', () => {
		expect(fromElsewhere('http://127.0.0.1:3000', '10.1.2.3')).toBeNull()
		expect(fromElsewhere('http://10.1.2.3:3000', '10.1.2.3')).toBeNull()
		expect(fromElsewhere('http://0.0.0.0:3000', null)).toBeNull()
	})
})
