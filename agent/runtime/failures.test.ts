import { describe, expect, it } from 'vitest'
import { LatticeError } from '../protocol/index.ts'
import { EngineRefusal, refused } from './engine-errors.ts'
import { exitReason } from './exit-reason.ts'
import type { ObservedContainer } from './runtime.ts'
import { startFailure } from './start-failure.ts'

describe('a refused start', () => {
	// words of engines 20.10 to 28
	it.each([
		[
			'PORT_TAKEN',
			500,
			'driver failed programming external connectivity on endpoint a (b): Bind for 127.0.0.1:28412 failed: port is already allocated',
		],
		[
			'PORT_TAKEN',
			500,
			'driver failed programming external connectivity on endpoint a (b): Error starting userland proxy: listen tcp4 127.0.0.1:28412: bind: address already in use',
		],
		[
			'PORT_TAKEN',
			500,
			'failed to set up container networking: driver failed programming external connectivity: failed to bind host port for 127.0.0.1:28412:172.18.0.2:80/tcp: address already in use',
		],
		[
			'PORT_TAKEN',
			500,
			'Ports are not available: exposing port TCP 127.0.0.1:28412 -> 0.0.0.0:0: listen tcp 127.0.0.1:28412: bind: address already in use',
		],
		[
			'PORT_TAKEN',
			500,
			'driver failed programming external connectivity: Error starting userland proxy: listen tcp4 10.9.9.9:28412: bind: cannot assign requested address',
		],
		['NOT_FOUND', 404, 'network lattice-ada not found'],
		['NOT_FOUND', 404, 'No such container: abc'],
		['ENGINE_UNAVAILABLE', 400, 'exec: "docker-init": executable file not found in $PATH'],
		[
			'IMAGE_UNSUITABLE',
			400,
			'OCI runtime create failed: runc create failed: unable to start container process: exec: "nope": executable file not found in $PATH: unknown',
		],
		['IMAGE_UNSUITABLE', 500, 'unable to find user app: no matching entries in passwd file'],
		[
			'NODE_REFUSED',
			500,
			'OCI runtime create failed: error setting rlimits for ready process: error setting rlimit type 7: operation not permitted: unknown',
		],
		['DISK_FULL', 500, 'OCI runtime create failed: mkdir /run/x: no space left on device: unknown'],
		['INTERNAL', 500, 'something new'],
	])('is %s: %i %s', (code, status, reason) => {
		const error = startFailure(new EngineRefusal(status, reason))
		expect(error).toBeInstanceOf(LatticeError)
		expect(error).toMatchObject({ code, message: expect.stringMatching(/\.$/) })
		if (code === 'PORT_TAKEN') expect(error).toMatchObject({ facts: { port: 28_412 } })
		if (reason.startsWith('network')) expect(error).toMatchObject({ facts: { network: 'lattice-ada' } })
	})

	it('passes errors of other kinds on', () => {
		const error = new LatticeError('ENGINE_UNAVAILABLE', 'Away.')
		expect(startFailure(error)).toBe(error)
		expect(refused(error, 'try')).toBe(error)
	})
})

describe('why a container is not running', () => {
	const container = (change: Partial<ObservedContainer>): ObservedContainer => ({
		id: 'a',
		name: 'a',
		labels: {},
		image: 'nginx:1',
		state: 'exited',
		health: 'none',
		exitCode: 1,
		oomKilled: false,
		error: null,
		startedAt: null,
		finishedAt: null,
		restarts: 0,
		keptRunning: false,
		address: null,
		ports: [],
		...change,
	})

	it.each<[Partial<ObservedContainer>, string | null, RegExp]>([
		[{ state: 'running' }, null, /^/],
		[{ state: 'created' }, null, /^/],
		[{}, 'CONTAINER_EXITED', /code 1; its logs/],
		[{ state: 'restarting', exitCode: 0 }, 'CONTAINER_EXITED', /code 0/],
		[{ oomKilled: true, exitCode: 137 }, 'CONTAINER_EXITED', /memory/],
		[{ exitCode: 127 }, 'IMAGE_UNSUITABLE', /nginx:1.*does not exist/],
		[{ exitCode: 126 }, 'IMAGE_UNSUITABLE', /may not be executed/],
		[{ error: 'disk' }, 'CONTAINER_EXITED', /\(disk\)/],
	])('of %j is %s', (change, code, message) => {
		const reason = exitReason(container(change))
		expect(reason?.code ?? null).toBe(code)
		expect(reason?.message ?? '').toMatch(message)
	})
})
