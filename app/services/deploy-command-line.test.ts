import { describe, expect, it } from 'vitest'
import { deployCommandLine, maskedConfig } from './deploy-command-line.ts'

describe('the command line of an order', () => {
	it('says the same as the form, and no secret', () => {
		const config = {
			image: 'nginx:1',
			command: ['sh', '-c', "echo 'hi'"],
			env: { TOKEN: 'secret word' },
			ports: [{ container: 80, protocol: 'http' }],
			resources: { memoryMiB: 128, cpus: 0.5 },
			constraints: { region: 'home office' },
			node: null,
			replicas: 2,
		}
		const line = deployCommandLine({ name: 'web', type: 'custom', config })
		expect(line).not.toContain('secret word')
		expect(line).toContain('./lattice deploy web --type custom --image nginx:1 --command')
		expect(line).toContain(
			"--env TOKEN=… --port 80/http --memory 128 --cpus 0.5 --constraint 'region=home office' --replicas 2",
		)
		expect(line).not.toContain('--node')
	})

	it('leaves out what a service does not have', () => {
		expect(deployCommandLine({ name: 'db', type: 'postgres', config: {} })).toBe('./lattice deploy db --type postgres')
	})
})

describe('a config for other eyes', () => {
	it('names its variables and hides their values', () => {
		const masked = maskedConfig({ image: 'x', env: { A: 'secret' } })
		expect(masked).toEqual({ image: 'x', env: { A: '••••••' } })
		expect(maskedConfig({ image: 'x' })).toEqual({ image: 'x' })
	})
})
