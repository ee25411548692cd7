import { describe, expect, it } from 'vitest'
import { disksOf, memoryOf, networkOf, processorsOf, readMachine } from './machine.ts'

describe('/proc', () => {
	it('stat is core-seconds; waiting for a disk is idle, guests are counted once', () => {
		const stat = 'cpu  100 20 30 4000 500 6 7 8 90 9\ncpu0 1 2 3 4 5 6 7 8 9 10\ncpu1 1 2 3 4 5 6 7 8 9 10\nintr 1\n'
		expect(processorsOf(stat)).toEqual({ busySeconds: 1.71, cores: 2 })
		expect(processorsOf('')).toEqual({ busySeconds: null, cores: 0 })
	})

	it('meminfo is what cannot be had without swapping', () => {
		const text = 'MemTotal:       16000 kB\nMemFree:          100 kB\nMemAvailable:   12000 kB\n'
		expect(memoryOf(text)).toEqual({ memoryBytes: 4000 * 1024, memoryLimitBytes: 16000 * 1024 })
		expect(memoryOf('MemTotal: 1 kB\n').memoryBytes).toBeNull()
	})

	it('net/dev counts the edge of the machine and no byte twice', () => {
		const columns = (rx: number, tx: number) => `${rx} 1 0 0 0 0 0 0 ${tx} 1 0 0 0 0 0 0`
		const text = `Inter-| Receive\n face |bytes\n    lo: ${columns(9, 9)}\n  eth0: ${columns(100, 50)}\nveth1@if2: ${columns(7, 7)}\nbr-ab: ${columns(7, 7)}\ndocker0: ${columns(7, 7)}\n wlan0: ${columns(10, 5)}\n`
		expect(networkOf(text)).toEqual({ rxBytes: 110, txBytes: 55 })
	})

	it('diskstats counts whole disks', () => {
		const row = (name: string) => `   8       0 ${name} 10 0 4 0 20 0 6 0 0 0 0`
		const text = ['sda', 'sda1', 'nvme0n1', 'nvme0n1p2', 'dm-0', 'loop1'].map(row).join('\n')
		expect(disksOf(text)).toEqual({ readBytes: 2 * 4 * 512, writtenBytes: 2 * 6 * 512 })
	})

	it('is there on this machine', async () => {
		const reading = await readMachine()
		expect(reading.cores).toBeGreaterThan(0)
		expect(reading.busySeconds).toBeGreaterThan(0)
		expect(reading.memoryBytes).toBeLessThan(reading.memoryLimitBytes ?? 0)
	})
})
