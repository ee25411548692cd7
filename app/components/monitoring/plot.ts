import UPlot from 'uplot'
import 'uplot/dist/uPlot.min.css'

export interface PlotOptions {
	/** the lowest that the scale ends at */
	least: number
	format: (value: number) => string
	/** empty: the browser's own */
	zone: string
	series: readonly { label: string; dash?: number[] }[]
}

type Data = [at: number[], ...values: (number | null)[][]]

const HEIGHT = 140
/** One chart's cursor moves all of the page: what happened at once is seen at once. */
const SYNC = 'usage'

/** uPlot's own rows (from so many seconds between ticks: text, then the line below it when year, month, day … begin), in 24 hours. */
const TIMES: UPlot.Axis.Values = [
	[86_400, '{D} {MMM}', '\n{YYYY}', null, null, null, null, null, 1],
	[60, '{HH}:{mm}', '\n{D} {MMM} {YYYY}', null, '\n{D} {MMM}', null, null, null, 1],
	[1, ':{ss}', '\n{D} {MMM} {HH}:{mm}', null, '\n{D} {MMM} {HH}:{mm}', null, '\n{HH}:{mm}', null, 1],
]

/** Loaded with the page that draws: uPlot is not in the first load. Lines are ink, told apart by their dash. */
export function drawPlot(
	element: HTMLElement,
	options: PlotOptions,
	data: Data,
): { update(data: Data): void; end(): void } {
	// A canvas knows no light-dark(): the browser is asked what a variable comes to now.
	const probe = element.appendChild(document.createElement('span'))
	const color = (name: string) => {
		probe.style.color = `var(${name})`
		return getComputedStyle(probe).color
	}
	const ink = () => color('--ink')
	const axis = {
		stroke: () => color('--muted'),
		font: '12px system-ui',
		grid: { stroke: () => color('--line'), width: 1 },
		ticks: { show: false },
	}
	const plot = new UPlot(
		{
			width: Math.max(1, element.clientWidth),
			height: HEIGHT,
			legend: { show: false },
			cursor: { sync: { key: SYNC }, points: { size: 5 }, drag: { x: false, y: false } },
			scales: { y: { range: (_plot, _min, max) => [0, Math.max(options.least, (max ?? 0) * 1.15)] } },
			tzDate: (at) => (options.zone ? UPlot.tzDate(new Date(at * 1000), options.zone) : new Date(at * 1000)),
			axes: [
				{ ...axis, values: TIMES },
				{ ...axis, size: 72, values: (_plot, ticks) => ticks.map(options.format), space: 40 },
			],
			series: [
				{},
				...options.series.map(({ label, dash }) => ({
					label,
					stroke: ink,
					width: 1.5,
					...(dash && { dash }),
					points: { show: false },
					// A minute that is missing is a gap: a line across it would claim to know.
					spanGaps: false,
				})),
			],
		},
		data as UPlot.AlignedData,
		element,
	)
	const resize = new ResizeObserver(() => plot.setSize({ width: Math.max(1, element.clientWidth), height: HEIGHT }))
	resize.observe(element)
	const redraw = () => plot.redraw(false)
	const scheme = matchMedia('(prefers-color-scheme: dark)')
	const theme = new MutationObserver(redraw)
	scheme.addEventListener('change', redraw)
	theme.observe(document.documentElement, { attributes: true, attributeFilter: ['data-theme'] })
	return {
		update: (next) => plot.setData(next as UPlot.AlignedData),
		end() {
			resize.disconnect()
			theme.disconnect()
			scheme.removeEventListener('change', redraw)
			plot.destroy()
			probe.remove()
		},
	}
}
