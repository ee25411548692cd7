import { isIP } from 'node:net'
import { InvalidArgumentError } from 'commander'

/** Parsers of option values. Each names what it wants; commander adds the option and the value. */

export function port(value: string): number {
	const number = Number(value)
	if (!/^\d+$/.test(value) || number < 1 || number > 65_535)
		throw new InvalidArgumentError('Give a port from 1 to 65535.')
	return number
}

export function positiveInteger(value: string): number {
	const number = Number(value)
	if (!/^\d+$/.test(value) || number < 1 || !Number.isSafeInteger(number)) {
		throw new InvalidArgumentError('Give a whole number above 0.')
	}
	return number
}

export function wholeNumber(value: string): number {
	if (!/^\d{1,9}$/.test(value)) throw new InvalidArgumentError('Give a whole number.')
	return Number(value)
}

export function cpus(value: string): number {
	const number = Number(value)
	if (!/^\d+(\.\d+)?$/.test(value) || number <= 0)
		throw new InvalidArgumentError('Give a number of cores, such as 0.5.')
	return number
}

const MEBIBYTES: Record<string, number> = { '': 1, m: 1, mi: 1, g: 1024, gi: 1024 }

/** MiB; `512`, `512m` and `1g` are all understood. */
export function memoryMiB(value: string): number {
	const match = /^(\d+(?:\.\d+)?)(m|mi|g|gi)?b?$/i.exec(value)
	const unit = MEBIBYTES[match?.[2]?.toLowerCase() ?? '']
	const number = Number(match?.[1]) * (unit ?? Number.NaN)
	if (!Number.isInteger(number) || number < 1) throw new InvalidArgumentError('Give MiB, such as 512 or 512m, or 1g.')
	return number
}

const SECONDS: Record<string, number> = { s: 1, m: 60, h: 3600, d: 86_400 }

/** Seconds from `90`, `90s`, `15m`, `1h` or `7d`. */
export function seconds(value: string): number {
	const match = /^(\d+)([smhd])?$/.exec(value)
	const number = Number(match?.[1]) * (SECONDS[match?.[2] ?? 's'] ?? Number.NaN)
	if (!Number.isSafeInteger(number) || number < 1)
		throw new InvalidArgumentError('Give a time such as 90s, 15m, 1h or 7d.')
	return number
}

/** Repeatable `--label k=v`. */
export function keyValue(value: string, previous: Record<string, string> = {}): Record<string, string> {
	const at = value.indexOf('=')
	if (at < 1) throw new InvalidArgumentError('Give NAME=VALUE.')
	return { ...previous, [value.slice(0, at)]: value.slice(at + 1) }
}

/** `30000-32767` */
export function portRange(value: string): string {
	const [, from, to] = /^(\d{1,5})-(\d{1,5})$/.exec(value) ?? []
	if (from === undefined || to === undefined || Number(from) < 1 || Number(to) > 65_535 || Number(from) > Number(to)) {
		throw new InvalidArgumentError('Give a range of ports, such as 30000-32767.')
	}
	return value
}

export function domainName(value: string): string {
	if (!/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)+$/i.test(value)) {
		throw new InvalidArgumentError('Give a domain, such as apps.example.org.')
	}
	return value.toLowerCase()
}

export interface PortOption {
	container: number
	protocol: 'http' | 'tcp'
}

/** Repeatable `--port 8080/http`; without a protocol it is http, as most are. */
export function containerPort(value: string, previous: PortOption[] = []): PortOption[] {
	const [number = '', protocol = 'http', ...rest] = value.split('/')
	if (rest.length > 0 || (protocol !== 'http' && protocol !== 'tcp')) {
		throw new InvalidArgumentError('Give PORT, PORT/http or PORT/tcp.')
	}
	return [...previous, { container: port(number), protocol }]
}

export interface VolumeOption {
	name: string
	path: string
}

/** Repeatable `--volume data:/var/lib/data`. */
export function volume(value: string, previous: VolumeOption[] = []): VolumeOption[] {
	const match = /^([^:/]+):(\/.+)$/.exec(value)
	if (!match?.[1] || !match[2]) throw new InvalidArgumentError('Give NAME:/PATH, such as data:/var/lib/data.')
	return [...previous, { name: match[1], path: match[2] }]
}

export function repeated(value: string, previous: string[] = []): string[] {
	return [...previous, value]
}

export function ipAddress(value: string): string {
	if (isIP(value) === 0 && value !== 'localhost') throw new InvalidArgumentError('Give an IP address of this machine.')
	return value
}

export function multiaddr(value: string, previous: string[] = []): string[] {
	if (!/^\/(ip4|ip6|dns|dns4|dns6)\/[^/]+\/tcp\/\d+/.test(value)) {
		throw new InvalidArgumentError('Give a multiaddr, such as /ip4/0.0.0.0/tcp/4100.')
	}
	return [...previous, value]
}

export function dockerHost(value: string): string {
	if (!/^unix:\/\/\/.+/.test(value)) throw new InvalidArgumentError('Give the engine as unix:///path/to/docker.sock.')
	return value
}

export function httpUrl(value: string): string {
	const url = URL.canParse(value) ? new URL(value) : null
	if (!url || !/^https?:$/.test(url.protocol) || url.username || url.password) {
		throw new InvalidArgumentError('Give an http:// or https:// URL without a password in it.')
	}
	return url.origin
}

/** A whole https URL, with its path. */
export function httpsUrl(value: string): string {
	if (!URL.canParse(value) || new URL(value).protocol !== 'https:')
		throw new InvalidArgumentError('Give an https:// URL.')
	return value
}

export function email(value: string): string {
	if (!/^[^\s@,?]+@[^\s@,?]+\.[^\s@,?]+$/.test(value))
		throw new InvalidArgumentError('Give an address such as ada@example.org.')
	return value
}
