import { InvalidArgumentError } from 'commander'
import { describe, expect, it } from 'vitest'
import {
	containerPort,
	cpus,
	dockerHost,
	httpUrl,
	keyValue,
	memoryMiB,
	multiaddr,
	port,
	positiveInteger,
	seconds,
	volume,
} from './options.ts'

describe('option values', () => {
	it.each<[string, (value: string) => unknown, string, unknown]>([
		['port', port, '8080', 8080],
		['memory', memoryMiB, '512', 512],
		['memory', memoryMiB, '512m', 512],
		['memory', memoryMiB, '1.5g', 1536],
		['memory', memoryMiB, '1GiB', 1024],
		['cpus', cpus, '0.5', 0.5],
		['seconds', seconds, '90', 90],
		['seconds', seconds, '7d', 604_800],
		['label', keyValue, 'a=b=c', { a: 'b=c' }],
		['label', keyValue, 'a=', { a: '' }],
		['container port', containerPort, '8080', [{ container: 8080, protocol: 'http' }]],
		['container port', containerPort, '53/tcp', [{ container: 53, protocol: 'tcp' }]],
		['volume', volume, 'data:/var/lib/data', [{ name: 'data', path: '/var/lib/data' }]],
		['multiaddr', multiaddr, '/ip4/0.0.0.0/tcp/4100', ['/ip4/0.0.0.0/tcp/4100']],
		['url', httpUrl, 'http://127.0.0.1:3000/x', 'http://127.0.0.1:3000'],
	])('%s reads', (_name, parse, value, expected) => {
		expect(parse(value)).toEqual(expected)
	})

	it.each<[string, (value: string) => unknown, string]>([
		['port', port, '0'],
		['port', port, '65536'],
		['port', port, '80x'],
		['port', port, '1e3'],
		['integer', positiveInteger, '0'],
		['integer', positiveInteger, '9007199254740993'],
		['memory', memoryMiB, '0'],
		['memory', memoryMiB, '5t'],
		['memory', memoryMiB, '0.1'],
		['cpus', cpus, '0'],
		['cpus', cpus, '-1'],
		['seconds', seconds, '1w'],
		['seconds', seconds, '0s'],
		['label', keyValue, '=b'],
		['label', keyValue, 'novalue'],
		['container port', containerPort, '8080/udp'],
		['container port', containerPort, '8080/http/x'],
		['volume', volume, 'data'],
		['volume', volume, 'data:relative'],
		['volume', volume, '/host/path:/inside'],
		['multiaddr', multiaddr, '127.0.0.1:4100'],
		['docker host', dockerHost, '/var/run/docker.sock'],
		['docker host', dockerHost, 'ssh://root@host'],
		['url', httpUrl, 'ftp://x'],
		['url', httpUrl, 'http://user:secret@x'],
	])('%s refuses %s', (_name, parse, value) => {
		expect(() => parse(value)).toThrow(InvalidArgumentError)
	})

	it('collects what is repeated', () => {
		expect(keyValue('b=2', keyValue('a=1'))).toEqual({ a: '1', b: '2' })
		expect(containerPort('81', containerPort('80'))).toHaveLength(2)
	})
})
