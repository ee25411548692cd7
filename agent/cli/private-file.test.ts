import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { readConfig, writeConfig } from './config.ts'
import { type Home, homeAt } from './home.ts'

let home: Home
beforeEach(() => {
	home = homeAt(mkdtempSync(join(tmpdir(), 'lattice-config-')))
})
afterEach(() => rmSync(home.path, { recursive: true, force: true }))

const login = {
	url: 'http://127.0.0.1:3000',
	token: 't',
	refreshToken: 'r',
	user: { id: 'u', email: 'e', role: 'owner' },
}

describe('HOME/config.json', () => {
	it('is empty before the first login, and only its owner reads it', () => {
		expect(readConfig(home)).toEqual({})
		writeConfig(home, { login })
		expect(readConfig(home)).toEqual({ login })
		expect(statSync(home.file('config.json')).mode & 0o777).toBe(0o600)
		expect(readdirSync(home.path)).toEqual(['config.json'])
	})

	it('is named when it is damaged', () => {
		writeFileSync(home.file('config.json'), '{"login": 5}')
		expect(() => readConfig(home)).toThrow(/config\.json is damaged/)
		writeFileSync(home.file('config.json'), '{"lo')
		expect(() => readConfig(home)).toThrow(/config\.json is damaged/)
	})
})
