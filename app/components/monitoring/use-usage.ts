import { useEffect, useState } from 'react'
import type { Sample, WireError } from '../../../agent/protocol/index.ts'
import type { UsageHistory } from '../../services/services.ts'
import { type Columns, columnsOf, type Limits, NO_COLUMNS, Track } from './track.ts'

export type Range = 'live' | 'day' | 'month'

export interface Usage {
	columns: Columns
	limits: Limits
	/** null: on the way */
	state: 'loading' | 'there' | 'away'
	problem: WireError | null
}

const NOTHING: Usage = {
	columns: NO_COLUMNS,
	limits: { cpu: null, memoryBytes: null },
	state: 'loading',
	problem: null,
}
const AGAIN_MS = 60_000

/** What `url` measures, live or kept. While nothing is heard the last that was known stays, and `state` says so. */
export function useUsage(url: string, range: Range): Usage {
	const [usage, setUsage] = useState(NOTHING)
	useEffect(() => {
		setUsage(NOTHING)
		return range === 'live' ? follow(url, setUsage) : poll(`${url}?range=${range}`, setUsage)
	}, [url, range])
	return usage
}

type Set = (change: (old: Usage) => Usage) => void

function follow(url: string, set: Set): () => void {
	let track = new Track()
	const source = new EventSource(url)
	source.onopen = () => {
		track = new Track()
	}
	source.onmessage = ({ data }) => {
		track.push(JSON.parse(data) as Sample[])
		set(() => ({ columns: track.columns, limits: track.limits, state: 'there', problem: null }))
	}
	source.addEventListener('problem', ({ data }) => {
		set((old) => ({ ...old, state: 'away', problem: JSON.parse(data) as WireError }))
	})
	source.addEventListener('end', () => source.close())
	source.onerror = () => set((old) => ({ ...old, state: 'away' }))
	return () => source.close()
}

function poll(url: string, set: Set): () => void {
	const ended = new AbortController()
	const read = async () => {
		try {
			const answer = await fetch(url, { signal: ended.signal })
			if (!answer.ok) throw new Error(`the console answered ${answer.status}`)
			const { points } = (await answer.json()) as UsageHistory
			set((old) => ({ ...old, columns: columnsOf(points), state: 'there', problem: null }))
		} catch {
			if (!ended.signal.aborted) set((old) => ({ ...old, state: 'away' }))
		}
	}
	void read()
	const timer = setInterval(() => void read(), AGAIN_MS)
	return () => {
		clearInterval(timer)
		ended.abort()
	}
}
