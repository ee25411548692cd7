import { Link } from '@remix-run/react'
import { StatusGlyph } from '../ui/status.tsx'
import type { Exception } from './summary.ts'

export function Exceptions({ exceptions }: { exceptions: Exception[] }) {
	if (exceptions.length === 0) return null
	return (
		<section aria-label="Needs attention" className="mt-6">
			<ul className="card">
				{exceptions.map(({ key, tone, subject, to, sentence, remedy }) => (
					<li
						key={key}
						className="grid grid-cols-[12px_minmax(0,1fr)] gap-x-3 border-t border-line px-4 py-3 first:border-t-0 md:grid-cols-[12px_minmax(0,1fr)_auto]"
					>
						<StatusGlyph tone={tone} className="mt-1" />
						<p className="min-w-0 break-words">
							<Link to={to} className="font-medium">
								{subject}
							</Link>
							<span className="text-muted"> · {sentence}</span>
						</p>
						<Link
							to={remedy.to}
							className="link col-start-2 inline-flex items-center whitespace-nowrap max-md:min-h-11 md:col-start-3"
						>
							{remedy.label}
						</Link>
					</li>
				))}
			</ul>
		</section>
	)
}
