import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { POSTGRES } from '../fixtures/images.ts'
import { members } from '../lab/cgroup.ts'
import { capture } from '../lab/command.ts'
import type { Host } from '../lab/host.ts'
import { createLab, type Lab } from '../lab/lab.ts'

/** busybox' ping, because Debian's is a package of its own */
async function reaches(from: Host, address: string): Promise<boolean> {
	const { code } = await from.exec(['busybox', 'ping', '-c', '1', '-W', '1', address])
	return code === 0
}

async function roundTripMs(from: Host, address: string): Promise<number> {
	const { stdout } = await from.exec(['busybox', 'ping', '-c', '3', '-i', '0.1', '-W', '2', address])
	return Number(/= [\d.]+\/([\d.]+)\//.exec(stdout)?.[1])
}

/** Everything of a lab that the machine could still hold. */
async function traces(id: string): Promise<string[]> {
	const networks = await readdir('/run/netns').catch(() => [] as string[])
	const mounts = (await readFile('/proc/self/mounts', 'utf8')).split('\n')
	const files = [`/run/lattice-lab/labs/${id}`, `/var/lib/lattice-lab/${id}`, `/sys/fs/cgroup/pids/lattice-lab/${id}`]
	return [
		...networks.filter((name) => name.includes(`-${id}-`)),
		...mounts.filter((line) => line.includes(`/${id}/`)),
		...files.filter((file) => existsSync(file)),
		...(await members(id)).map((pid) => `process ${pid}`),
	]
}

describe('a lab of four hosts, one behind NAT', () => {
	let lab: Lab
	let h1: Host
	let h2: Host
	let h4: Host

	beforeAll(async () => {
		lab = await createLab({ hosts: 4, nat: 1 })
		h1 = lab.host('h1')
		h2 = lab.host('h2')
		h4 = lab.host('h4')
	})
	afterAll(() => lab?.down())

	it('lets every host reach the others by name, and has host names', async () => {
		expect(await reaches(h1, 'h2')).toBe(true)
		expect(await reaches(h2, 'h3')).toBe(true)
		expect(await reaches(lab.host('h3'), h1.ip)).toBe(true)
		expect((await h2.exec(['hostname'])).stdout).toBe('h2\n')
	})

	it('is reached from the tests', async () => {
		const { code } = await capture('busybox', ['ping', '-c', '1', '-W', '1', h1.ip])
		expect(code).toBe(0)
	})

	it('cuts and heals the link between two hosts', async () => {
		await lab.cut('h1', 'h2')
		expect(await reaches(h1, h2.ip)).toBe(false)
		expect(await reaches(h2, h1.ip)).toBe(false)
		expect(await reaches(h1, lab.host('h3').ip)).toBe(true)
		await lab.heal('h1', 'h2')
		expect(await reaches(h1, h2.ip)).toBe(true)
	})

	it('cuts and heals all links of a host', async () => {
		await lab.cut('h2')
		for (const other of [h1, lab.host('h3')]) expect(await reaches(h2, other.ip)).toBe(false)
		await lab.heal()
		expect(await reaches(h1, h2.ip)).toBe(true)
	})

	it('delays both directions of one link', async () => {
		await lab.delay(40, 'h1', 'h2')
		const slow = await roundTripMs(h1, h2.ip)
		expect(slow).toBeGreaterThanOrEqual(80)
		expect(slow).toBeLessThan(160)
		expect(await roundTripMs(h1, lab.host('h3').ip)).toBeLessThan(40)
		await lab.heal()
		expect(await roundTripMs(h1, h2.ip)).toBeLessThan(40)
	})

	it('loses as much as it is told', async () => {
		await lab.loss(50, 'h1', 'h2')
		const { stdout } = await h1.exec(['busybox', 'ping', '-c', '60', '-i', '0.01', '-W', '1', h2.ip])
		await lab.heal()
		// half of the requests and half of the answers: a quarter comes back; 2 or 35 of 60 come once in 10⁵ runs
		const received = Number(/(\d+) packets received/.exec(stdout)?.[1])
		expect(received).toBeGreaterThan(2)
		expect(received).toBeLessThan(35)
	})

	it('lets a host behind NAT out and nobody in', async () => {
		expect(await reaches(h4, h1.ip)).toBe(true)
		expect(await reaches(h1, h4.ip)).toBe(false)
		expect(await reaches(h1, h4.ownIp)).toBe(false)
		const pulled = await h4.exec(['docker', 'pull', '--quiet', POSTGRES])
		expect(pulled).toMatchObject({ code: 0 })
	})

	it('answers for a host that only the host itself can reach', async () => {
		const server = h4.spawn(['busybox', 'httpd', '-f', '-p', '127.0.0.1:8099', '-h', '/etc'], { stdio: 'ignore' })
		await expect.poll(async () => (await h4.fetch('http://127.0.0.1:8099/hostname')).status).toBe(200)
		server.kill()
		await expect(h1.fetch('http://127.0.0.1:8099/hostname')).rejects.toThrow('ECONNREFUSED')
	})

	it('keeps engines apart: the same names, ports and addresses on each', async () => {
		const runs = await Promise.all(
			[h1, h2].map((host) =>
				host.exec(['docker', 'run', '-d', '--name', 'web', '-p', '8080:8080', '-m', '64m', 'lattice-test/busybox:1']),
			),
		)
		expect(runs.map(({ code }) => code)).toEqual([0, 0])
		await h2.exec(['docker', 'rm', '-f', 'web'])
		const { stdout } = await h1.exec(['docker', 'ps', '--format', '{{.Names}}'])
		expect(stdout).toBe('web\n')
		const answer = await h2.fetch(`http://${h1.ip}:8080/`)
		expect(answer.text).toMatch(/^hostname=/)
	})

	it('freezes a host with its containers and thaws it', async () => {
		await h1.freeze()
		expect(await h1.state()).toBe('frozen')
		await expect(fetch(`http://${h1.ip}:8080/`, { signal: AbortSignal.timeout(500) })).rejects.toThrow()
		await h1.thaw()
		expect(await h1.state()).toBe('up')
		expect((await fetch(`http://${h1.ip}:8080/`)).status).toBe(200)
	})

	it('takes the power from a host and gives it back', async () => {
		await h1.kill()
		expect(await h1.state()).toBe('off')
		await expect(h2.fetch(`http://${h1.ip}:8080/`)).rejects.toThrow('ECONNREFUSED')
		await h1.boot()
		const { stdout } = await h1.exec(['docker', 'ps', '-a', '--format', '{{.Names}} {{.Status}}'])
		expect(stdout).toMatch(/^web Exited/)
	})

	it('restarts an engine that was killed', async () => {
		await h2.stopEngine('SIGKILL')
		expect(await h2.state()).not.toBe('up')
		await h2.startEngine()
		expect((await h2.exec(['docker', 'version'])).code).toBe(0)
	})

	it('says at once that there is no internet', async () => {
		const { code, stderr } = await h1.exec(['docker', 'pull', 'elsewhere.example/image'])
		expect(code).not.toBe(0)
		expect(stderr).toContain('connection refused')
		const dial = `require('net').connect(443, '192.0.2.1').on('error', (error) => console.log(error.code))`
		expect((await h1.exec([process.execPath, '-e', dial])).stdout).toBe('EHOSTUNREACH\n')
	})

	it('has a wall clock that is wrong as much as it is told, also while a program runs', async () => {
		const program = `process.stdin.on('data', () => console.log(JSON.stringify([Date.now(), new Date().getTime(),
			Date.parse(Date()), new Date(7).getTime(), new Date() instanceof Date])))`
		await h2.setClock(0)
		const child = h2.spawn([process.execPath, '-e', program], { stdio: ['pipe', 'pipe', 'inherit'] })
		const ask = async (): Promise<[number, number, number, number, boolean]> => {
			const answer = once(child.stdout as Readable, 'data')
			child.stdin?.write('?')
			return JSON.parse(String(await answer))
		}
		try {
			const [first] = await ask()
			expect(Math.abs(first - Date.now())).toBeLessThan(2000)
			for (const minutes of [20, -5]) {
				await h2.setClock(minutes * 60_000)
				// the program looks at the file again after 50 ms
				await expect
					.poll(async () => Math.round(((await ask())[0] - Date.now()) / 60_000), { timeout: 2000 })
					.toBe(minutes)
				const [called, constructed, text, explicit, isDate] = await ask()
				expect(Math.abs(constructed - called)).toBeLessThan(100)
				expect(Math.abs(text - called)).toBeLessThan(1100)
				expect([explicit, isDate]).toEqual([7, true])
			}
		} finally {
			child.kill('SIGKILL')
		}
	})

	it('has pids that are the programs own, so that signals reach them', async () => {
		const child = h2.spawn(['sleep', '60'], { stdio: 'ignore' })
		await expect.poll(() => readFile(`/proc/${child.pid}/comm`, 'utf8')).toBe('sleep\n')
		expect(await h2.pids()).toContain(child.pid)
		const ended = new Promise((resolve) => child.once('exit', (_code, signal) => resolve(signal)))
		child.kill('SIGKILL')
		expect(await ended).toBe('SIGKILL')
	})
})

describe('the end of a lab', () => {
	it('leaves nothing, whatever state its hosts are in', async () => {
		const lab = await createLab({ hosts: 2, nat: 1 })
		const [h1, h2] = lab.hosts as [Host, Host]
		await h1.exec(['docker', 'run', '-d', 'lattice-test/busybox:1'])
		h2.spawn(['sleep', '600'], { stdio: 'ignore' })
		await lab.delay(10, 'h1')
		await h1.freeze()
		expect(await traces(lab.id)).not.toEqual([])
		await lab.down()
		expect(await traces(lab.id)).toEqual([])
	})

	it('comes with the next lab when its process was killed', async () => {
		const script = `const { createLab } = await import(${JSON.stringify(join(import.meta.dirname, '../lab/lab.ts'))})
			const lab = await createLab({ hosts: 1 })
			console.log(lab.id)
			process.kill(process.pid, 'SIGKILL')`
		const { stdout } = await capture(process.execPath, ['--input-type=module', '-e', script])
		const abandoned = stdout.trim()
		expect(await traces(abandoned)).not.toEqual([])
		const next = await createLab({ hosts: 1 })
		try {
			expect(await traces(abandoned)).toEqual([])
		} finally {
			await next.down()
		}
	})

	it('removes what was made when the creation fails', async () => {
		const id = `f${process.pid}`
		await expect(createLab({ hosts: 1, id, images: ['nowhere/at-all:1'] })).rejects.toThrow('manifest unknown')
		expect(await traces(id)).toEqual([])
	})
})
