import { useNavigation } from '@remix-run/react'

/** A hairline at the top while a page or an action is under way: nothing moves, nothing is covered. */
export function NavigationProgress() {
	const busy = useNavigation().state !== 'idle'
	return (
		<div role="status" className="pointer-events-none fixed inset-x-0 top-0 z-50">
			<div aria-hidden className={`fade h-0.5 bg-text ${busy ? 'breathe opacity-100' : 'opacity-0'}`} />
			<span className="sr-only">{busy ? 'Loading' : ''}</span>
		</div>
	)
}
