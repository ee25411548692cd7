import { Form, Link, useLocation } from '@remix-run/react'
import { X } from 'lucide-react'
import { useCallback, useEffect, useRef, useState } from 'react'
import { useLive } from '../live/live.tsx'
import { StatusGlyph, type Tone } from '../ui/status.tsx'
import { type Ending, endingsOf } from './endings.ts'

const TONE: Record<Ending['outcome'], Tone> = {
	running: 'healthy',
	stopped: 'stopped',
	failed: 'failed',
	deleted: 'stopped',
}
const STAYS_MS = 8_000
const KEPT = 4

interface Toast extends Ending {
	key: number
}

/**
 * What ended elsewhere than on the page one is on. A failure stays until it is put away: it must not be missed. Of our
 * own, since sonner writes a <style> that the pages' policy refuses.
 */
export function Toasts() {
	const { workloads, removed, deletedData } = useLive()
	const { pathname } = useLocation()
	const [toasts, setToasts] = useState<Toast[]>([])
	const before = useRef(workloads)
	const keys = useRef(0)
	// biome-ignore lint/correctness/useExhaustiveDependencies: where one is matters at the moment of the ending alone
	useEffect(() => {
		const ended = endingsOf(before.current, workloads, removed, deletedData).filter(
			({ to }) => to === null || to !== pathname,
		)
		before.current = workloads
		if (ended.length === 0) return
		const fresh = ended.map((ending) => ({ ...ending, key: keys.current++ }))
		const isOld = (toast: Toast) => !fresh.some(({ workloadId }) => workloadId === toast.workloadId)
		setToasts((all) => [...all.filter(isOld), ...fresh].slice(-KEPT))
	}, [workloads, removed])
	const close = useCallback((key: number) => setToasts((all) => all.filter((toast) => toast.key !== key)), [])
	return (
		<div role="status" className="fixed right-4 bottom-4 z-40 grid w-72 gap-2 max-md:bottom-20">
			{toasts.map((toast) => (
				<ToastCard key={toast.key} toast={toast} close={close} />
			))}
		</div>
	)
}

function ToastCard({ toast, close }: { toast: Toast; close: (key: number) => void }) {
	const { key, text, to, outcome, workloadId } = toast
	const [held, setHeld] = useState(false)
	const { pathname } = useLocation()
	useEffect(() => {
		if (held || outcome === 'failed') return
		const timer = setTimeout(() => close(key), STAYS_MS)
		return () => clearTimeout(timer)
	}, [held, outcome, key, close])
	useEffect(() => {
		if (pathname === to) close(key)
	}, [pathname, to, key, close])
	return (
		// biome-ignore lint/a11y/noStaticElementInteractions: it only waits while somebody is at it
		<div
			className="card flex min-h-11 items-center gap-2 py-1 pr-1 pl-3"
			onMouseEnter={() => setHeld(true)}
			onMouseLeave={() => setHeld(false)}
			onFocus={() => setHeld(true)}
			onBlur={() => setHeld(false)}
		>
			<StatusGlyph tone={TONE[outcome]} />
			{to === null ? (
				<span className="min-w-0 flex-1 py-1 break-words">{text}</span>
			) : (
				<Link to={to} className="link min-w-0 flex-1 truncate">
					{text}
				</Link>
			)}
			{outcome === 'stopped' && (
				<Form method="post" action={`/workloads/${workloadId}`}>
					<button type="submit" name="intent" value="start" className="link min-h-8 px-1 text-sm max-md:min-h-11">
						Start again
					</button>
				</Form>
			)}
			<button
				type="button"
				onClick={() => close(key)}
				className="inline-flex size-8 items-center justify-center rounded text-muted hover:bg-sunken max-md:size-11"
			>
				<X size={14} aria-hidden />
				<span className="sr-only">Put away: {text}</span>
			</button>
		</div>
	)
}
