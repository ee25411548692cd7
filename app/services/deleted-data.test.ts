import { describe, expect, it } from 'vitest'
import type { AssignmentRecord } from '../models/assignment.server.ts'
import { deletedData } from './deleted-data.ts'

const on = (...states: AssignmentRecord['state'][]) => states.map((state) => ({ state }) as AssignmentRecord)
const database = { type: 'postgres', config: {}, assignments: on('removed') }

describe('what became of the data of what is deleted', () => {
	it('is as it was ordered', () => {
		expect(deletedData(database, true)).toBe('deleted')
		expect(deletedData(database, false)).toBe('kept')
	})

	it('is nothing where there were no volumes', () => {
		const config = { image: 'nginx:1', ports: [] }
		expect(deletedData({ type: 'custom', config, assignments: on('removed') }, true)).toBe('none')
	})

	it('is not said where it is not known', () => {
		expect(deletedData(database, null)).toBeNull()
		expect(deletedData({ ...database, assignments: on('removed', 'lost') }, true)).toBeNull()
	})
})
