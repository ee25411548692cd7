import { useRevalidator } from '@remix-run/react'
import { useEffect, useRef } from 'react'

/** Of a list whose page is only a part, what the stream does not say is asked for anew this long after a change. */
const RELOAD_MS = 1_000

/** When `what` is another than it was: at most once in `RELOAD_MS`, also while changes never cease. */
export function useReload(wanted: boolean, ...what: unknown[]): void {
	const { revalidate } = useRevalidator()
	const timer = useRef<ReturnType<typeof setTimeout> | null>(null)
	const seen = useRef(what)
	// biome-ignore lint/correctness/useExhaustiveDependencies: its parts are what is compared
	useEffect(() => {
		if (!wanted || timer.current || what.every((part, index) => part === seen.current[index])) return
		timer.current = setTimeout(() => {
			timer.current = null
			revalidate()
		}, RELOAD_MS)
		seen.current = what
	}, [wanted, revalidate, ...what])
	useEffect(() => () => clearTimeout(timer.current ?? undefined), [])
}
