import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type IncomingMessage, type Server } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { promisify } from 'node:util'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { LatticeError } from '../../protocol/index.ts'
import { readConfig, writeConfig } from '../config.ts'
import { type Home, homeAt } from '../home.ts'
import { secondsLeft, storedSession, withBearer } from './session.ts'

const user = { id: 'u', email: 'ada@example.test', role: 'owner' }

function token(exp: number, name: string): string {
	return `e30.${Buffer.from(JSON.stringify({ exp, name })).toString('base64url')}.sig~seed`
}
const soon = () => Math.floor(Date.now() / 1000) + 900

let home: Home
let server: Server
let spent: string[]

/** A console that takes each refresh token once. */
beforeEach(async () => {
	home = homeAt(mkdtempSync(join(tmpdir(), 'lattice-session-')))
	spent = []
	server = createServer(async (request, response) => {
		const { refreshToken } = JSON.parse(await text(request satisfies IncomingMessage)) as { refreshToken: string }
		const reused = spent.includes(refreshToken)
		spent.push(refreshToken)
		response.setHeader('content-type', 'application/json')
		if (reused) {
			const lattice = new LatticeError('REFRESH_REUSED', 'This was used before; log in again.').toJSON()
			response.writeHead(401).end(JSON.stringify({ error: { message: '', data: { lattice } } }))
			return
		}
		const next = Number(refreshToken.slice(1)) + 1
		response.end(
			JSON.stringify({ result: { data: { token: token(soon(), `t${next}`), refreshToken: `r${next}`, user } } }),
		)
	})
	await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
})
afterEach(async () => {
	await new Promise((resolve) => server.close(resolve).closeAllConnections())
	rmSync(home.path, { recursive: true, force: true })
})

function url(): string {
	const address = server.address()
	return `http://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}`
}
function loggedIn(bearer: string): void {
	writeConfig(home, { login: { url: url(), token: bearer, refreshToken: 'r1', user } })
}

describe('the stored login', () => {
	it('is used as it is while it is good', async () => {
		const good = token(soon(), 't1')
		loggedIn(good)
		expect(await storedSession(home).bearer()).toBe(good)
		expect(spent).toEqual([])
	})

	it('is renewed before it ends, and the new one is kept', async () => {
		loggedIn(token(Math.floor(Date.now() / 1000) + 5, 't1'))
		const renewed = await storedSession(home).bearer()
		expect(secondsLeft(renewed)).toBeGreaterThan(800)
		expect(readConfig(home).login).toMatchObject({ token: renewed, refreshToken: 'r2', url: url() })
	})

	it('is renewed once when several processes need it at the same time', async () => {
		loggedIn(token(0, 't1'))
		const script = `
			const { storedSession } = await import(process.argv[1])
			const { homeAt } = await import(process.argv[2])
			console.log(await storedSession(homeAt(process.argv[3])).bearer())`
		const modules = ['./session.ts', '../home.ts'].map((file) => new URL(file, import.meta.url).href)
		const run = () =>
			promisify(execFile)(process.execPath, ['--input-type=module', '-e', script, ...modules, home.path])
		const answers = await Promise.all([run(), run(), run(), run()])
		expect(new Set(answers.map(({ stdout }) => stdout)).size).toBe(1)
		expect(spent).toEqual(['r1'])
	})

	it('says what to do when it cannot be renewed', async () => {
		loggedIn(token(0, 't1'))
		spent.push('r1')
		await expect(storedSession(home).bearer()).rejects.toMatchObject({ code: 'REFRESH_REUSED' })
	})

	it('is renewed when a server with another clock says that it has ended', async () => {
		const old = token(soon(), 't1')
		loggedIn(old)
		const answer = await withBearer(storedSession(home), async (bearer) => {
			if (bearer === old) throw new LatticeError('TOKEN_EXPIRED', 'It has ended.')
			return bearer
		})
		expect(answer).toBe(readConfig(home).login?.token)
		expect(spent).toEqual(['r1'])
	})

	it('does not repeat what failed for another reason', async () => {
		loggedIn(token(soon(), 't1'))
		let calls = 0
		const refused = withBearer(storedSession(home), async () => {
			calls += 1
			throw new LatticeError('FORBIDDEN', 'Not yours.')
		})
		await expect(refused).rejects.toMatchObject({ code: 'FORBIDDEN' })
		expect([calls, spent.length]).toEqual([1, 0])
	})
})
