import { describe, expect, it } from 'vitest'
import { containerRuntimeContract } from '../../tests/contracts/container-runtime.ts'
import { LatticeError } from '../protocol/index.ts'
import type { MemoryProgram } from './memory-container.ts'
import { MemoryRuntime } from './memory-runtime.ts'
import type { ContainerPlan } from './runtime.ts'

const UNREACHABLE = 'unreachable.test/a:1'

/** The fake's programs are written as their effect: JSON in the first argument. */
function program({ command, healthcheck }: ContainerPlan): MemoryProgram {
	const written = JSON.parse(command?.[0] ?? '{}') as MemoryProgram
	return healthcheck?.command[0] === 'false' ? { ...written, health: 'unhealthy' } : written
}

const command = (effect: MemoryProgram) => [JSON.stringify(effect)]
const stdout = (texts: string[]) => texts.map((text) => ({ stream: 'stdout' as const, text }))

describe('MemoryRuntime', () => {
	containerRuntimeContract(async () => {
		const runtime = new MemoryRuntime({ images: ['busybox:1'], registry: ['remote.test/a:1'], program })
		const message = `The registry of ${UNREACHABLE} could not be reached.`
		runtime.failPull.set(UNREACHABLE, new LatticeError('REGISTRY_UNREACHABLE', message))
		return {
			runtime,
			image: 'busybox:1',
			commands: {
				write: (lines) => command({ lines: stdout(lines) }),
				count: (lines) => command({ lines: stdout(Array.from({ length: lines }, (_, index) => `line ${index + 1}`)) }),
				bothStreams: command({ lines: [...stdout(['out']), { stream: 'stderr', text: 'err' }] }),
				exit: (exitCode) => command({ exitCode }),
				ignoreTerm: command({ lines: stdout(['deaf']), ignoresTerm: true }),
			},
			checks: { passes: ['true'], fails: ['false'] },
			remote: { pullable: 'remote.test/a:1', missing: 'remote.test/none:1', unreachable: UNREACHABLE },
			forget: async (image) => void runtime.images.delete(image),
			dispose: async () => undefined,
		}
	})

	const plan: ContainerPlan = {
		name: 'a',
		image: 'busybox:1',
		command: null,
		env: {},
		labels: { 'lattice.workload': 'a' },
		network: 'n',
		aliases: [],
		ports: [{ container: 80, protocol: 'tcp', bindings: [{ address: '127.0.0.1', port: 8080 }] }],
		volumes: [],
		memoryBytes: 1,
		cpus: 1,
		pids: 1,
		shmBytes: null,
		healthcheck: null,
		dropCapabilities: [],
		stopTimeoutS: 1,
	}

	it('crashes before or after an effect, as its hook says', async () => {
		const crash = { moment: 'before' }
		const runtime = new MemoryRuntime({
			images: ['busybox:1'],
			hook: (operation, moment) => {
				if (operation === 'create' && moment === crash.moment) throw new Error(`crash ${moment}`)
			},
		})
		await expect(runtime.create(plan)).rejects.toThrow('crash before')
		expect(await runtime.list({})).toHaveLength(0)
		crash.moment = 'after'
		await expect(runtime.create(plan)).rejects.toThrow('crash after')
		expect(await runtime.list({})).toHaveLength(1)
	})

	it('plays a full host and an engine that is away', async () => {
		const runtime = new MemoryRuntime({ images: ['busybox:1'] })
		await runtime.ensureNetwork('n', {})
		const id = await runtime.create(plan)
		runtime.occupied.add('127.0.0.1:8080')
		await expect(runtime.start(id)).rejects.toMatchObject({ code: 'PORT_TAKEN' })
		runtime.occupied.clear()
		await runtime.start(id)
		await runtime.keepRunning(id)
		runtime.container(id).exit(137, true)
		expect(await runtime.inspect(id)).toMatchObject({ state: 'restarting', oomKilled: true, exitCode: 137 })
		runtime.away = true
		await expect(runtime.list({})).rejects.toMatchObject({ code: 'ENGINE_UNAVAILABLE' })
	})
})
