import { describe, expect, it } from 'vitest'
import { CustomConfig } from './custom.ts'
import { refuseTakenDomains } from './domains.ts'

const web = (id: string, ...domains: string[]) => {
	const config = CustomConfig.parse({ image: 'x', ports: [{ container: 80, protocol: 'http' }], domains })
	return { id, type: 'custom', config }
}

describe('domains of workloads', () => {
	it('are one workload’s each', () => {
		const others = [web('a', 'shop.example.org'), web('b')]
		expect(() => refuseTakenDomains(web('c', 'www.example.org'), others)).not.toThrow()
		expect(() => refuseTakenDomains(web('a', 'shop.example.org'), others)).not.toThrow()
		expect(() => refuseTakenDomains(web('c', 'www.example.org', 'Shop.example.org'), others)).toThrow(
			expect.objectContaining({ code: 'NAME_TAKEN', facts: { field: 'config.domains', domain: 'shop.example.org' } }),
		)
	})

	it.each([
		['an address', ['192.0.2.1']],
		['one word', ['shop']],
		['a URL', ['http://shop.example.org']],
		['a wildcard', ['*.example.org']],
		['a name of this computer', ['shop.localhost']],
		['a name that gateways give out', ['web-1.192.0.2.1.sslip.io']],
		['one twice', ['shop.example.org', 'SHOP.example.org']],
	])('are not %s', (_, domains) => {
		const ports = [{ container: 80, protocol: 'http' }]
		expect(CustomConfig.safeParse({ image: 'x', ports, domains }).success).toBe(false)
	})

	it('need an HTTP port that answers', () => {
		const ports = [{ container: 80, protocol: 'tcp' }]
		const { error } = CustomConfig.safeParse({ image: 'x', ports, domains: ['shop.example.org'] })
		expect(error?.issues[0]?.path).toEqual(['domains'])
	})
})
