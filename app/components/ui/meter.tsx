/** How much of a capacity is taken. An SVG and not a styled box: widths then need no inline style (CSP). */
export function Meter({ label, used, total, text }: { label: string; used: number; total: number; text: string }) {
	const share = total > 0 ? Math.min(1, used / total) : 0
	return (
		<div className="min-w-0">
			<div className="flex justify-between gap-2 text-sm">
				<span className="text-muted">{label}</span>
				<span className="truncate">{text}</span>
			</div>
			<Bar share={share} label={`${label}: ${text}`} />
		</div>
	)
}

export function Bar({ share, label }: { share: number; label: string }) {
	const percent = Math.round(Math.min(1, Math.max(0, share)) * 1_000) / 10
	return (
		<svg
			role="progressbar"
			aria-label={label}
			aria-valuenow={percent}
			aria-valuemin={0}
			aria-valuemax={100}
			className="mt-1 block h-1.5 w-full overflow-hidden rounded-full bg-sunken text-text"
		>
			<rect width={`${percent}%`} height="100%" fill="currentColor" opacity="0.75" />
		</svg>
	)
}
