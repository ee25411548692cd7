import { useFreshness } from '../live/live.tsx'
import { useHydrated, useNow } from '../ui/clock.tsx'
import { formatAge } from '../ui/format.ts'
import { Status } from '../ui/status.tsx'

/** Whether this page still hears the console. The word is announced; the counting seconds are not. */
export function LiveMark() {
	const { state, stale, lastAt } = useFreshness()
	const hydrated = useHydrated()
	const age = formatAge(useNow() - lastAt)
	if (!hydrated || state === 'connecting') return <span className="text-sm text-muted needs-js">Connecting…</span>
	if (state === 'live') {
		return (
			<span className="text-sm" role="status">
				<Status tone="healthy" word="Live" />
			</span>
		)
	}
	return (
		<span className="text-sm">
			<span role="status">
				<Status tone={stale ? 'unknown' : 'progressing'} word="Reconnecting…" />
			</span>
			<span className="block pl-5 text-muted">last update {age} ago</span>
		</span>
	)
}
