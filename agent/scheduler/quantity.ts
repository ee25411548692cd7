const UNITS = [
	['GiB', 1024 ** 3],
	['MiB', 1024 ** 2],
	['KiB', 1024],
] as const

function inUnit(bytes: number, unit: string, size: number): string {
	return `${(bytes / size).toFixed(1)} ${unit}`
}

/** Two different amounts in one unit in which they also look different: "needs 2.0 GiB, 2.0 GiB free" helps nobody. */
export function comparedBytes(first: number, second: number): [string, string] {
	const larger = Math.max(Math.abs(first), Math.abs(second))
	for (const [unit, size] of UNITS) {
		if (larger < size) continue
		const texts: [string, string] = [inUnit(first, unit, size), inUnit(second, unit, size)]
		if (texts[0] !== texts[1]) return texts
	}
	return [`${first} bytes`, `${second} bytes`]
}

/** Cores for people: up to two decimals, no trailing zeros. */
export function coresText(cores: number): string {
	return String(Math.round(cores * 100) / 100)
}

export function percentText(share: number): string {
	return `${Math.round(share * 100)} %`
}

export function countText(count: number, one: string): string {
	return `${count} ${one}${count === 1 ? '' : 's'}`
}
