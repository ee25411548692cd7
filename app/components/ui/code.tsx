import type { ReactNode } from 'react'

/** What scrolls sideways must take the keyboard's focus, else its end cannot be read without a mouse (WCAG 2.1.1). */
export function CodeBlock({ children, label }: { children: ReactNode; label: string }) {
	return (
		// biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling region, see above
		<section tabIndex={0} aria-label={label} className="overflow-x-auto rounded bg-sunken">
			<pre className="w-max p-3 text-sm">{children}</pre>
		</section>
	)
}

export function CodeLine({ children, className = '' }: { children: ReactNode; className?: string }) {
	return (
		// biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling region, see above
		<code tabIndex={0} className={`min-w-0 flex-1 overflow-x-auto whitespace-pre select-all ${className}`}>
			{children}
		</code>
	)
}
