const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB']

/** Three significant digits at most: `512 MiB`, `1.5 GiB`. */
export function formatBytes(bytes: number): string {
	let value = Math.max(0, bytes)
	let unit = 0
	while (value >= 1000 && unit < UNITS.length - 1) {
		value /= 1024
		unit += 1
	}
	const digits = unit === 0 || value >= 100 ? 0 : 1
	return `${Number(value.toFixed(digits))} ${UNITS[unit]}`
}

/** How long something took: `240 ms`, `3.4 s`, `2 min 5 s`. */
export function formatDuration(ms: number): string {
	if (ms < 1_000) return `${Math.max(0, Math.round(ms))} ms`
	if (ms < 59_950) return `${Number((ms / 1_000).toFixed(1))} s`
	const seconds = Math.round(ms / 1_000)
	if (seconds < 3_600) return `${Math.floor(seconds / 60)} min ${seconds % 60} s`
	const minutes = Math.round(seconds / 60)
	return `${Math.floor(minutes / 60)} h ${minutes % 60} min`
}

/** How old something is, in its largest unit: `4 s`, `12 min`, `3 d`. Clocks differ, so the future is `0 s`. */
export function formatAge(ms: number): string {
	const seconds = Math.max(0, Math.floor(ms / 1_000))
	if (seconds < 60) return `${seconds} s`
	if (seconds < 3_600) return `${Math.floor(seconds / 60)} min`
	if (seconds < 86_400) return `${Math.floor(seconds / 3_600)} h`
	return `${Math.floor(seconds / 86_400)} d`
}

export function formatCores(cpus: number): string {
	return `${Number(cpus.toFixed(2))} ${cpus === 1 ? 'core' : 'cores'}`
}

export function plural(count: number, one: string, many = `${one}s`): string {
	return `${count} ${count === 1 ? one : many}`
}

/** Twelve characters tell peers apart; the whole id is in the title and on the node's page. */
export function shortPeer(peerId: string): string {
	return peerId.length > 14 ? `…${peerId.slice(-8)}` : peerId
}
