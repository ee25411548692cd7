import { describe, expect, it } from 'vitest'
import { readConfig } from './config.server.ts'

const DATABASE_URL = 'postgresql://localhost/lattice'

describe('the configuration', () => {
	it('needs a database and has a default for the rest; empty is absent', () => {
		const config = readConfig({
			DATABASE_URL,
			LATTICE_HOME: '/srv/lattice',
			LATTICE_PORT: '',
			LATTICE_ANNOUNCE: ' a, ,b',
		})
		expect(config).toMatchObject({
			home: '/srv/lattice',
			host: '127.0.0.1',
			port: 3000,
			masterKeyFile: null,
			localInvite: '0',
			registration: 'open',
			announce: ['a', 'b'],
		})
	})

	it.each([
		[{}, 'DATABASE_URL: is missing'],
		[{ DATABASE_URL: 'mysql://x' }, 'DATABASE_URL: is not a PostgreSQL URL'],
		[{ DATABASE_URL, LATTICE_PORT: '70000' }, 'LATTICE_PORT'],
		[{ DATABASE_URL, LATTICE_LOCAL_INVITE: 'maybe' }, 'LATTICE_LOCAL_INVITE: is 1, first or 0'],
		[{ DATABASE_URL, LATTICE_PUBLIC_URL: 'ftp://x' }, 'LATTICE_PUBLIC_URL: is not an http(s) URL'],
	])('names what is wrong: %j', (env, sentence) => {
		expect(() => readConfig(env)).toThrow(sentence)
	})
})
