import { describe, expect, it } from 'vitest'
import { logIn, ORDERS, stubbedPages } from '../fixtures/stubbed-pages.ts'

const pages = stubbedPages()

describe('weight and doors', () => {
	it('first load is at most 130 kB of script, gzipped', async () => {
		const page = await pages.open()
		await logIn(page, pages.full)
		for (const path of ['/', ORDERS, '/deploy/postgres']) {
			await page.goto(pages.full.url + path)
			await page.getByRole('status').filter({ hasText: 'Live' }).filter({ visible: true }).waitFor()
			const scripts = await page.evaluate(() =>
				performance
					.getEntriesByType('resource')
					.map(({ name }) => name)
					.filter((name) => name.endsWith('.js')),
			)
			const bytes = await Promise.all(
				[...new Set(scripts)].map(async (path) => gzipped(await (await fetch(new URL(path, pages.full.url))).bytes())),
			)
			const total = bytes.reduce((sum, size) => sum + size, 0)
			console.info(`first load of ${path}: ${(total / 1024).toFixed(1)} KiB of script, gzipped`)
			expect(total).toBeGreaterThan(10_000)
			expect(total).toBeLessThan(130_000)
		}
	})

	it('does not send anyone to another site after login', async () => {
		for (const to of ['//elsewhere.example', '/\\elsewhere.example', 'https://elsewhere.example']) {
			const answer = await fetch(`${pages.full.url}/login?to=${encodeURIComponent(to)}`, {
				method: 'POST',
				redirect: 'manual',
				body: new URLSearchParams({ email: 'a', password: 'correct horse battery' }),
			})
			expect(answer.headers.get('Location')).toBe('/')
			expect(answer.headers.get('Set-Cookie')).toMatch(/HttpOnly; SameSite=Lax/)
		}
	})
})

async function gzipped(bytes: Uint8Array<ArrayBuffer>): Promise<number> {
	const stream = new Blob([bytes]).stream().pipeThrough(new CompressionStream('gzip'))
	return (await new Response(stream).arrayBuffer()).byteLength
}
