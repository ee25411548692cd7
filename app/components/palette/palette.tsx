import { useNavigate } from '@remix-run/react'
import { Search } from 'lucide-react'
import { type KeyboardEvent, useEffect, useId, useRef, useState } from 'react'
import { useLive } from '../live/live.tsx'
import { entriesOf, KEYBOARD_HELP, type Service, search } from './entries.ts'

const MOST = 12

/** ⌘K or Ctrl+K from anywhere: every page, workload and node by a few letters (ARIA combobox with a listbox). */
export function Palette({ services, onHelp }: { services: readonly Service[]; onHelp: () => void }) {
	const dialog = useRef<HTMLDialogElement>(null)
	const [open, setOpen] = useState(false)
	useEffect(() => {
		const onKey = (event: globalThis.KeyboardEvent) => {
			if (event.key.toLowerCase() !== 'k' || !(event.metaKey || event.ctrlKey) || event.altKey || event.shiftKey) return
			// In a terminal Ctrl+K is the shell's.
			if (event.ctrlKey && event.target instanceof Element && event.target.closest('.xterm')) return
			event.preventDefault()
			setOpen(true)
		}
		document.addEventListener('keydown', onKey)
		return () => document.removeEventListener('keydown', onKey)
	}, [])
	useEffect(() => {
		if (open) dialog.current?.showModal()
	}, [open])
	const close = () => dialog.current?.close()
	return (
		<>
			<button
				type="button"
				onClick={() => setOpen(true)}
				className="needs-js mb-4 flex h-9 w-full items-center gap-2 rounded border border-control px-2 text-sm text-muted hover:bg-sunken hover:text-text max-md:mb-0 max-md:size-11 max-md:justify-center max-md:border-transparent"
			>
				<Search size={14} aria-hidden />
				<span className="max-md:sr-only">Go to…</span>
				<kbd className="ml-auto text-xs max-md:hidden">Ctrl K</kbd>
			</button>
			<dialog
				ref={dialog}
				aria-label="Go to"
				onClose={() => setOpen(false)}
				className="sheet card fixed inset-x-0 top-[12dvh] z-50 m-auto mt-0 w-[calc(100vw-32px)] max-w-lg overflow-hidden p-0 text-text"
			>
				{open && <Choice services={services} close={close} onHelp={onHelp} />}
			</dialog>
		</>
	)
}

interface ChoiceProps {
	services: readonly Service[]
	close: () => void
	onHelp: () => void
}

function Choice({ services, close, onHelp }: ChoiceProps) {
	const live = useLive()
	const navigate = useNavigate()
	const [text, setText] = useState('')
	const [at, setAt] = useState(0)
	const id = useId()
	const found = search(entriesOf(live.workloads.values(), live.nodes.values(), services), text, MOST)
	const chosen = Math.min(at, found.length - 1)

	function go(index: number) {
		const entry = found[index]
		if (!entry) return
		close()
		if (entry.to === KEYBOARD_HELP) onHelp()
		else navigate(entry.to)
	}
	function onKeyDown(event: KeyboardEvent) {
		if (event.key === 'ArrowDown') setAt((chosen + 1) % Math.max(1, found.length))
		else if (event.key === 'ArrowUp') setAt((chosen - 1 + found.length) % Math.max(1, found.length))
		else if (event.key === 'Enter') go(chosen)
		else return
		event.preventDefault()
	}
	return (
		<>
			<input
				type="text"
				role="combobox"
				// biome-ignore lint/a11y/noAutofocus: the dialog was opened to type here
				autoFocus
				aria-label="Page, workload or node"
				aria-expanded="true"
				aria-controls={`${id}-list`}
				aria-activedescendant={found.length > 0 ? `${id}-${chosen}` : undefined}
				placeholder="Page, workload or node"
				autoComplete="off"
				autoCapitalize="off"
				spellCheck={false}
				value={text}
				onChange={(event) => {
					setText(event.target.value)
					setAt(0)
				}}
				onKeyDown={onKeyDown}
				className="w-full border-b border-line bg-surface px-4 py-3 text-base -outline-offset-2"
			/>
			<div role="listbox" id={`${id}-list`} aria-label="Found" className="max-h-[50dvh] overflow-y-auto py-1">
				{found.map((entry, index) => (
					<div
						key={entry.to}
						id={`${id}-${index}`}
						role="option"
						tabIndex={-1}
						aria-selected={index === chosen}
						onMouseMove={() => setAt(index)}
						onClick={() => go(index)}
						onKeyDown={onKeyDown}
						className="flex min-h-9 cursor-pointer items-center justify-between gap-4 px-4 aria-selected:bg-sunken max-md:min-h-11"
					>
						<span className="truncate">{entry.label}</span>
						<span className="text-sm text-muted">{entry.kind}</span>
					</div>
				))}
			</div>
			{found.length === 0 && <p className="px-4 pb-3 text-muted">Nothing here has these words.</p>}
		</>
	)
}
