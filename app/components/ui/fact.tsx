import type { ReactNode } from 'react'

/** One line of a description list. */
export function Fact({ name, children, className = '' }: { name: string; children: ReactNode; className?: string }) {
	return (
		<div
			className={`grid grid-cols-[128px_minmax(0,1fr)] items-baseline border-t border-line py-1.5 first:border-t-0 ${className}`}
		>
			<dt className="text-sm text-muted">{name}</dt>
			<dd className="min-w-0 break-words">{children}</dd>
		</div>
	)
}
