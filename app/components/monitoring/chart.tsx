import { useEffect, useRef } from 'react'
import { useZone } from '../ui/zone.ts'
import type { PlotOptions } from './plot.ts'

interface ChartProps {
	title: string
	/** what it shows, in words: a canvas says nothing to a screen reader */
	summary: string
	at: number[]
	lines: (PlotOptions['series'][number] & { values: (number | null)[] })[]
	least: number
	format: (value: number) => string
}

export function Chart({ title, summary, at, lines, least, format }: ChartProps) {
	const place = useRef<HTMLDivElement>(null)
	const zone = useZone()
	const drawn = useRef<{ update(data: [number[], ...(number | null)[][]]): void; end(): void } | null>(null)
	const data: [number[], ...(number | null)[][]] = [at, ...lines.map(({ values }) => values)]
	const latest = useRef(data)
	latest.current = data

	// biome-ignore lint/correctness/useExhaustiveDependencies: a chart's lines are its own for life; data comes below
	useEffect(() => {
		let ended = false
		const draw = async (element: HTMLElement) => {
			const { drawPlot } = await import('./plot.ts')
			if (ended) return
			const series = lines.map(({ label, dash }) => ({ label, ...(dash && { dash }) }))
			drawn.current = drawPlot(element, { least, format, zone, series }, latest.current)
		}
		// What draws is loaded once a chart is to be seen: most visits to a page never get that far down.
		const seen = new IntersectionObserver((entries) => {
			if (!entries.some(({ isIntersecting }) => isIntersecting) || !place.current) return
			seen.disconnect()
			void draw(place.current)
		})
		if (place.current) seen.observe(place.current)
		return () => {
			ended = true
			seen.disconnect()
			drawn.current?.end()
			drawn.current = null
		}
	}, [least, zone])
	useEffect(() => drawn.current?.update(latest.current))

	return (
		<figure className="card min-w-0 p-4">
			<figcaption className="flex flex-wrap items-baseline justify-between gap-x-4">
				<span className="font-medium">{title}</span>
				<span className="text-sm text-muted">{summary}</span>
			</figcaption>
			{lines.length > 1 && (
				<p className="flex gap-4 text-xs text-muted">
					{lines.map(({ label, dash }) => (
						<span key={label} className="inline-flex items-center gap-1">
							<svg viewBox="0 0 20 4" width="20" height="4" aria-hidden>
								<path d="M0 2h20" stroke="currentColor" strokeWidth="1.5" strokeDasharray={dash?.join(' ')} />
							</svg>
							{label}
						</span>
					))}
				</p>
			)}
			<div ref={place} aria-hidden className="mt-2 h-[140px] overflow-hidden" />
		</figure>
	)
}
