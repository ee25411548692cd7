import { useNow } from './clock.tsx'
import { formatAge } from './format.ts'

/** A value's age, counting. The exact instant is in `datetime` and the title. */
export function Age({ at, suffix = ' ago' }: { at: string | number; suffix?: string }) {
	const now = useNow()
	const iso = typeof at === 'number' ? new Date(at).toISOString() : at
	return (
		<time dateTime={iso} title={iso} className="whitespace-nowrap">
			{formatAge(now - new Date(at).getTime())}
			{suffix}
		</time>
	)
}
