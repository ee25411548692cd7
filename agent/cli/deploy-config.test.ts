import { describe, expect, it } from 'vitest'
import { configFrom } from './deploy-config.ts'

describe('the config of deploy', () => {
	it('holds only what was said', () => {
		expect(configFrom({}, {})).toEqual({})
		expect(configFrom({ memory: 128 }, {})).toEqual({ resources: { memoryMiB: 128 } })
	})

	it('lets options win over the file, and merges maps', () => {
		const file = {
			image: 'a',
			env: { A: '1', B: '1' },
			resources: { memoryMiB: 64, cpus: 1 },
			version: '17',
			replicas: 3,
		}
		expect(configFrom({ image: 'b', env: { B: '2' }, memory: 128, replicas: 1 }, file)).toEqual({
			image: 'b',
			env: { A: '1', B: '2' },
			resources: { memoryMiB: 128, cpus: 1 },
			version: '17',
			replicas: 1,
		})
	})

	it('passes on what it does not know: the template judges', () => {
		expect(configFrom({}, { nonsense: true })).toEqual({ nonsense: true })
	})

	it.each([[[]], [null], ['text'], [{ env: 5 }]])('refuses %j', (file) => {
		expect(() => configFrom({}, file)).toThrow(/--config/)
	})
})
