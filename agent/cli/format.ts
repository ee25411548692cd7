/** Values as people read them. Pure. */

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB']

export function bytes(value: number): string {
	let unit = 0
	let number = value
	while (number >= 1024 && unit < UNITS.length - 1) {
		number /= 1024
		unit++
	}
	return `${unit === 0 || number >= 100 ? Math.round(number) : number.toFixed(1)} ${UNITS[unit]}`
}

export function duration(ms: number): string {
	const seconds = Math.max(0, Math.round(ms / 1000))
	if (seconds < 60) return `${seconds} s`
	const minutes = Math.round(seconds / 60)
	if (minutes < 60) return `${minutes} min`
	const hours = Math.round(minutes / 60)
	return hours < 48 ? `${hours} h` : `${Math.round(hours / 24)} d`
}

/** Columns as wide as their widest cell; the last is not padded. */
export function table(header: string[], rows: string[][]): string[] {
	const all = [header, ...rows]
	const widths = header.map((_, column) => Math.max(...all.map((row) => width(row[column] ?? ''))))
	return all.map((row) =>
		row
			.map((cell, column) => cell + ' '.repeat(Math.max(0, (widths[column] ?? 0) - width(cell))))
			.join('  ')
			.trimEnd(),
	)
}

function width(text: string): number {
	return [...text].length
}

/**
 * Text that came from elsewhere, safe for a terminal: a container's log must not move the cursor, set the title or
 * paint over what the CLI said.
 */
export function plain(text: string): string {
	// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what this takes out
	return text.replaceAll(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, '\u{fffd}')
}
