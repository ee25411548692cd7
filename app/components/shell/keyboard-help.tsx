import { X } from 'lucide-react'
import { useEffect, useId, useRef } from 'react'

interface Shortcuts {
	where: string
	keys: readonly { keys: readonly string[]; does: string }[]
}

/** All that there are: a key that is handled anywhere has its line here. */
const SHORTCUTS: readonly Shortcuts[] = [
	{
		where: 'Anywhere',
		keys: [
			{ keys: ['Ctrl K', '⌘ K'], does: 'Go to a page, workload or node' },
			{ keys: ['?'], does: 'This list' },
			{ keys: ['Esc'], does: 'Close what is open' },
		],
	},
	{
		where: 'In “Go to”',
		keys: [
			{ keys: ['↑', '↓'], does: 'Choose' },
			{ keys: ['Enter'], does: 'Open what is chosen' },
		],
	},
	{
		where: 'In the lines of a log',
		keys: [
			{ keys: ['↑', '↓', 'Page Up', 'Page Down'], does: 'Scroll; it stands still away from the end' },
			{ keys: ['End'], does: 'Follow again' },
		],
	},
	{ where: 'On tabs', keys: [{ keys: ['←', '→'], does: 'The one beside' }] },
]

interface KeyboardHelpProps {
	open: boolean
	onOpen: () => void
	onClose: () => void
}

export function KeyboardHelp({ open, onOpen, onClose }: KeyboardHelpProps) {
	const dialog = useRef<HTMLDialogElement>(null)
	const title = useId()
	useEffect(() => {
		const onKey = (event: KeyboardEvent) => {
			if (event.key !== '?' || event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return
			event.preventDefault()
			onOpen()
		}
		document.addEventListener('keydown', onKey)
		return () => document.removeEventListener('keydown', onKey)
	}, [onOpen])
	useEffect(() => {
		if (open && !dialog.current?.open) dialog.current?.showModal()
	}, [open])
	return (
		<dialog
			ref={dialog}
			aria-labelledby={title}
			onClose={onClose}
			className="sheet card fixed inset-0 z-50 m-auto max-h-[calc(100dvh-32px)] w-[calc(100vw-32px)] max-w-lg overflow-y-auto p-6 text-text"
		>
			<div className="mb-4 flex items-start justify-between gap-4">
				<h2 id={title} className="text-xl font-semibold">
					Keyboard
				</h2>
				<button
					type="button"
					onClick={() => dialog.current?.close()}
					className="-mt-1 -mr-2 inline-flex size-9 items-center justify-center rounded hover:bg-sunken max-md:size-11"
				>
					<X size={16} aria-hidden />
					<span className="sr-only">Close</span>
				</button>
			</div>
			<div className="grid gap-4">
				{SHORTCUTS.map(({ where, keys }) => (
					<section key={where}>
						<h3 className="mb-1 font-medium">{where}</h3>
						<dl className="grid gap-y-1">
							{keys.map(({ keys, does }) => (
								<div key={does} className="grid gap-x-4 sm:grid-cols-[200px_minmax(0,1fr)]">
									<dt className="flex flex-wrap items-baseline gap-1">
										{keys.map((key) => (
											<kbd key={key} className="rounded border border-control px-1.5">
												{key}
											</kbd>
										))}
									</dt>
									<dd className="text-muted">{does}</dd>
								</div>
							))}
						</dl>
					</section>
				))}
				<p className="text-sm text-muted">In a terminal every key but ⌘ K is the shell's.</p>
			</div>
		</dialog>
	)
}

const FIELDS = 'input:not([type=checkbox], [type=radio]), textarea, select, [contenteditable], .xterm'

function isTyping(target: EventTarget | null): boolean {
	return target instanceof Element && target.closest(FIELDS) !== null
}
