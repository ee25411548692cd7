import { Check, Copy as CopyIcon } from 'lucide-react'
import { useState } from 'react'
import { CodeLine } from './code.tsx'

/** Copies `text`; says so in words to those who cannot see the tick. */
export function Copy({ text, what }: { text: string; what: string }) {
	const [state, setState] = useState<'idle' | 'copied' | 'refused'>('idle')
	async function copy() {
		try {
			// Only over https or on localhost does a browser give the clipboard.
			await navigator.clipboard.writeText(text)
			setState('copied')
		} catch {
			setState('refused')
		}
		setTimeout(() => setState('idle'), 2_000)
	}
	const label = state === 'copied' ? 'Copied' : state === 'refused' ? 'Select it and press Ctrl+C' : `Copy ${what}`
	return (
		<button
			type="button"
			onClick={copy}
			title={label}
			className="needs-js relative z-10 inline-flex size-7 shrink-0 items-center justify-center rounded text-muted hover:bg-sunken hover:text-text max-md:size-11"
		>
			{state === 'copied' ? <Check size={14} aria-hidden /> : <CopyIcon size={14} aria-hidden />}
			<span className="sr-only" aria-live="polite">
				{label}
			</span>
			{state === 'refused' && <span className="ml-1 text-xs">Ctrl+C</span>}
		</button>
	)
}

/** A value to take along: mono, selectable in one click, with its button. */
export function CopyLine({ text, what }: { text: string; what: string }) {
	return (
		<div className="flex items-center gap-1 rounded border border-line bg-sunken pl-3 pr-1 max-md:pl-2">
			<CodeLine className="py-1.5">{text}</CodeLine>
			<Copy text={text} what={what} />
		</div>
	)
}
