import { Link, useLocation, useSearchParams } from '@remix-run/react'
import { useHydrated } from '../ui/clock.tsx'
import { formatBytes, formatCores } from '../ui/format.ts'
import { Chart } from './chart.tsx'
import type { Columns } from './track.ts'
import { type Range, useUsage } from './use-usage.ts'

const RANGES: readonly { range: Range; label: string; every: string }[] = [
	{ range: 'live', label: '10 min', every: 'each 5 s' },
	{ range: 'day', label: '24 h', every: 'means of a minute' },
	{ range: 'month', label: '30 d', every: 'means of 15 minutes' },
]
const DASH = [4, 3]
const rate = (value: number) => `${formatBytes(value)}/s`
const cores = (value: number) => formatCores(Math.round(value * 100) / 100)

/** CPU, memory, network and disk of a node or workload. The range is in the URL, so that what one sees can be sent on. */
export function Usage({ url, name }: { url: string; name: string }) {
	const [parameters] = useSearchParams()
	const chosen = RANGES.find(({ range }) => range === parameters.get('usage')) ?? RANGES[0]
	const hydrated = useHydrated()
	return (
		<section aria-labelledby="usage" className="mt-8">
			<div className="mb-3 flex flex-wrap items-center gap-x-4 gap-y-1">
				<h2 id="usage" className="text-lg font-semibold">
					Usage
				</h2>
				<Ranges chosen={chosen?.range ?? 'live'} />
				<p className="text-sm text-muted">{chosen?.every}</p>
			</div>
			{hydrated ? (
				<Charts url={url} name={name} range={chosen?.range ?? 'live'} />
			) : (
				<p className="card px-4 py-6 text-muted">Graphs need scripts; /metrics has the numbers.</p>
			)}
		</section>
	)
}

function Ranges({ chosen }: { chosen: Range }) {
	const { pathname, search } = useLocation()
	const href = (range: Range) => {
		const parameters = new URLSearchParams(search)
		if (range === 'live') parameters.delete('usage')
		else parameters.set('usage', range)
		return `${pathname}?${parameters}`
	}
	return (
		<nav aria-label="Range" className="flex gap-1">
			{RANGES.map(({ range, label }) => (
				<Link
					key={range}
					to={href(range)}
					replace
					preventScrollReset
					aria-current={range === chosen ? 'true' : undefined}
					className="inline-flex min-h-8 items-center rounded border border-transparent px-2 text-sm text-muted hover:text-text aria-[current]:border-control aria-[current]:bg-surface aria-[current]:text-text max-md:min-h-11"
				>
					{label}
				</Link>
			))}
		</nav>
	)
}

function Charts({ url, name, range }: { url: string; name: string; range: Range }) {
	const { columns, limits, state, problem } = useUsage(url, range)
	const { at, values } = columns
	const empty = at.length === 0
	return (
		<>
			{(problem || empty || state === 'away') && (
				<p role="status" className="mb-3 text-sm text-muted">
					{problem?.message ??
						(state === 'loading'
							? 'Reading…'
							: state === 'away'
								? 'Nothing is heard now; what is drawn is the last that was known.'
								: `Nothing of ${name} is kept for this range yet.`)}
				</p>
			)}
			<div className="grid gap-4 lg:grid-cols-2">
				<Chart
					title="CPU"
					summary={now(values.cpu, cores, limits.cpu)}
					at={at}
					lines={[{ label: 'cores', values: values.cpu }]}
					least={0.1}
					format={(value) => String(Number(value.toFixed(2)))}
				/>
				<Chart
					title="Memory"
					summary={now(values.memoryBytes, formatBytes, limits.memoryBytes)}
					at={at}
					lines={[{ label: 'in use', values: values.memoryBytes }]}
					least={16 * 1024 * 1024}
					format={formatBytes}
				/>
				<Chart
					title="Network"
					summary={both(values, 'rxRate', 'txRate')}
					at={at}
					lines={[
						{ label: 'received', values: values.rxRate },
						{ label: 'sent', values: values.txRate, dash: DASH },
					]}
					least={1024}
					format={rate}
				/>
				<Chart
					title="Disk"
					summary={both(values, 'readRate', 'writeRate')}
					at={at}
					lines={[
						{ label: 'read', values: values.readRate },
						{ label: 'written', values: values.writeRate, dash: DASH },
					]}
					least={1024}
					format={rate}
				/>
			</div>
		</>
	)
}

function newest(values: readonly (number | null)[]): number | null {
	return values.findLast((value) => value !== null) ?? null
}

function now(values: readonly (number | null)[], format: (value: number) => string, limit: number | null): string {
	const value = newest(values)
	if (value === null) return 'not known'
	const most = Math.max(...values.map((each) => each ?? 0))
	return `${format(value)}${limit ? ` of ${format(limit)}` : ''}, at most ${format(most)}`
}

function both(values: Columns['values'], first: 'rxRate' | 'readRate', second: 'txRate' | 'writeRate'): string {
	const [one, two] = [newest(values[first]), newest(values[second])]
	if (one === null && two === null) return 'not known'
	const word = first === 'rxRate' ? ['in', 'out'] : ['read', 'written']
	return `${one === null ? '–' : rate(one)} ${word[0]}, ${two === null ? '–' : rate(two)} ${word[1]}`
}
