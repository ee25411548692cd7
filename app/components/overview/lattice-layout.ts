/** Cells of the picture: as many columns as make it about three times as wide as high, never smaller than can be seen. */
export interface Layout {
	columns: number
	rows: number
	cell: number
	/** names are below the rings; in a crowd they would be a grey smear, and the titles have them */
	named: boolean
}

export const PICTURE_WIDTH = 1040
const LARGEST = 208
const NAMED_FROM = 72

export function layoutOf(count: number): Layout {
	const columns = Math.max(1, Math.min(count, Math.max(5, Math.ceil(Math.sqrt(count * 3)))))
	const cell = Math.min(LARGEST, PICTURE_WIDTH / columns)
	return { columns, rows: Math.ceil(count / columns), cell, named: cell >= NAMED_FROM }
}

export interface Dot {
	x: number
	y: number
}

/** The console is above the machines. */
export const HUB: Dot = { x: PICTURE_WIDTH / 2, y: 22 }
const HUB_HEIGHT = 56

export function heightOf({ rows, cell }: Layout): number {
	return Math.round(HUB_HEIGHT + rows * cell)
}

/** No wider than what is in it, so that few machines are large on a narrow page. */
export function widthOf({ columns, cell }: Layout): number {
	return Math.max(Math.round(columns * cell), 2 * LARGEST)
}

/** The middle of each machine, by peer id. */
export function placesOf(nodes: readonly { peerId: string }[], { columns, cell }: Layout): Map<string, Dot> {
	const left = (PICTURE_WIDTH - columns * cell) / 2
	const at = (index: number): Dot => ({
		x: Math.round(left + ((index % columns) + 0.5) * cell),
		y: Math.round(HUB_HEIGHT + (Math.floor(index / columns) + 0.5) * cell),
	})
	return new Map(nodes.map(({ peerId }, index) => [peerId, at(index)]))
}

/** Places in a disc for that many dots, each as far from the others as may be: a sunflower's. */
export function dotsOf(count: number, radius: number): Dot[] {
	const golden = Math.PI * (3 - Math.sqrt(5))
	return Array.from({ length: count }, (_, index) => {
		const distance = radius * Math.sqrt((index + 0.5) / Math.max(count, 1))
		return { x: distance * Math.cos(index * golden), y: distance * Math.sin(index * golden) }
	})
}

/** An arc from twelve o'clock, clockwise, for a share of the ring; a whole ring is not an arc to SVG. */
export function arcOf(share: number, radius: number): string {
	const part = Math.min(0.9999, Math.max(0, share))
	const angle = part * 2 * Math.PI
	const x = radius * Math.sin(angle)
	const y = -radius * Math.cos(angle)
	return `M0 ${-radius}A${radius} ${radius} 0 ${part > 0.5 ? 1 : 0} 1 ${x.toFixed(2)} ${y.toFixed(2)}`
}
