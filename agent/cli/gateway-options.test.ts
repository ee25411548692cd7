import { resolve } from 'node:path'
import { Command } from 'commander'
import { describe, expect, it } from 'vitest'
import { agentConfig, LETS_ENCRYPT } from '../config.ts'
import { gatewayOptions, gatewaySettings } from './gateway-options.ts'
import type { Ports } from './ports.ts'

const ports = { pick: async () => 8443 } as unknown as Ports
const settings = (options: object) => gatewaySettings(options, true, '127.0.0.1', ports)
const EMAIL = 'ada@example.org'

describe('files of a certificate', () => {
	it('are taken from the folder where they were typed', () => {
		const command = gatewayOptions(new Command())
		const names = ['tls-cert', 'tls-key', 'acme-root'].flatMap((name) => [`--gateway-${name}`, `${name}.pem`])
		command.parse(names, { from: 'user' })
		expect(command.opts()).toEqual({
			gatewayTlsCert: resolve('tls-cert.pem'),
			gatewayTlsKey: resolve('tls-key.pem'),
			gatewayAcmeRoot: resolve('acme-root.pem'),
		})
	})
})

describe('certificates by ACME', () => {
	it('are ordered only by who has agreed to the terms, and given an address', async () => {
		await expect(settings({ gatewayAcmeEmail: EMAIL })).rejects.toThrow('--gateway-acme-agree-tos')
		await expect(settings({ gatewayAcmeAgreeTos: true })).rejects.toThrow('--gateway-acme-email')
		await expect(settings({ gatewayAcmeDirectory: 'https://ca.test/dir' })).rejects.toThrow('--gateway-acme-email')
		await expect(settings({ gatewayHttps: 443 })).rejects.toThrow('--gateway-https needs a certificate')
		const { tls } = await settings({ gatewayAcmeEmail: EMAIL, gatewayAcmeAgreeTos: true })
		expect(tls).toMatchObject({ acme: { email: EMAIL }, httpsPort: 8443 })
	})

	it("come from Let's Encrypt unless the agent is told another https URL", () => {
		const none = { NODE_ENV: 'test' } as const
		const env = { ...none, LATTICE_GATEWAY_ACME_EMAIL: EMAIL, LATTICE_GATEWAY_ACME_AGREE_TOS: '1' }
		const acme = (more = {}) => agentConfig({ ...env, ...more }).gatewayServing.tls?.acme
		expect(acme()).toEqual({ email: EMAIL, directory: LETS_ENCRYPT, rootFile: null })
		expect(() => acme({ LATTICE_GATEWAY_ACME_DIRECTORY: 'http://ca.test/dir' })).toThrow(
			'LATTICE_GATEWAY_ACME_DIRECTORY',
		)
		expect(() => acme({ LATTICE_GATEWAY_ACME_AGREE_TOS: '0' })).toThrow('--gateway-acme-agree-tos')
		expect(agentConfig(none).gatewayServing.tls).toBeNull()
	})
})
