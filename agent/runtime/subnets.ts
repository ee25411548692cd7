import { isIPv4 } from 'node:net'

/** An IPv4 range as [first, last] numbers. */
export type Range = readonly [first: number, last: number]

/**
 * Docker's default pools end near 31 networks, so tenants get explicit /24s: 2048 of them, in a part of 10/8 that home
 * routers, clouds' default networks and Docker's own pools rarely use.
 */
export const TENANT_POOL = '10.200.0.0/13'

function toNumber(address: string): number {
	return address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0)
}

function toAddress(value: number): string {
	return [24, 16, 8, 0].map((shift) => Math.floor(value / 2 ** shift) % 256).join('.')
}

/** null for IPv6 and for what is no CIDR */
export function rangeOf(cidr: string): Range | null {
	const [address = '', bits = ''] = cidr.split('/')
	const prefix = Number(bits)
	if (!isIPv4(address) || !/^\d{1,2}$/.test(bits) || prefix > 32) return null
	const size = 2 ** (32 - prefix)
	const first = Math.floor(toNumber(address) / size) * size
	return [first, first + size - 1]
}

/** The first free /24 of the pool, as CIDR; null when all are used. */
export function freeSubnet(used: readonly string[], pool = TENANT_POOL): string | null {
	const taken = used.map(rangeOf).filter((range) => range !== null)
	const all = rangeOf(pool)
	if (all === null) throw new Error(`${pool} is not a pool`)
	for (let first = all[0]; first + 255 <= all[1]; first += 256) {
		if (taken.every((range) => range[1] < first || range[0] > first + 255)) return `${toAddress(first)}/24`
	}
	return null
}
