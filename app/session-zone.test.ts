import { describe, expect, it } from 'vitest'
import { serializeZone, zoneFrom, zoneOf } from './session-zone.server.ts'

const asking = (cookie: string) => new Request('http://console/', { headers: { cookie } })

describe('the time zone of a browser', () => {
	it('is remembered in its cookie', async () => {
		const cookie = (await serializeZone(zoneFrom(' Europe/Berlin '), true)).split(';')[0] ?? ''
		expect(await zoneOf(asking(cookie))).toBe('Europe/Berlin')
		expect(await zoneOf(asking(''))).toBe('')
	})

	it('is refused by name when there is no such zone', async () => {
		expect(zoneFrom('')).toBe('')
		expect(() => zoneFrom('Europe/Atlantis')).toThrow(/zone.*is no time zone/)
		expect(() => zoneFrom(null)).toThrow(/zone/)
		const cookie = (await serializeZone('Europe/Atlantis', false)).split(';')[0] ?? ''
		expect(await zoneOf(asking(cookie))).toBe('')
	})
})
