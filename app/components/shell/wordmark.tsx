export function Wordmark() {
	return (
		<span className="inline-flex items-center gap-2 text-lg font-semibold">
			<svg viewBox="0 0 16 16" width="20" height="20" aria-hidden>
				<path d="M8 2.5 13.5 8 8 13.5 2.5 8Z" fill="none" stroke="currentColor" strokeWidth="1.25" />
				<g fill="currentColor">
					<circle cx="8" cy="2.5" r="2" />
					<circle cx="13.5" cy="8" r="2" />
					<circle cx="8" cy="13.5" r="2" />
					<circle cx="2.5" cy="8" r="2" />
				</g>
			</svg>
			Lattice
		</span>
	)
}
