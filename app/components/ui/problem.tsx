import type { WireError } from '../../../agent/protocol/index.ts'
import { StatusGlyph } from './status.tsx'

/** A refusal beside what was refused: it stays until the next try (a toast would vanish with the reason). */
export function Problem({ error, children }: { error: WireError; children?: React.ReactNode }) {
	return (
		<div role="alert" className="card flex gap-3 border-failed p-3">
			<StatusGlyph tone="failed" className="mt-1" />
			<div className="min-w-0">
				<p className="font-medium break-words">{error.message}</p>
				<p className="font-mono text-xs text-muted">{error.code}</p>
				{children}
			</div>
		</div>
	)
}

/** The sentence for one field of an INVALID_INPUT, by the end of its path (`config.image` for `image`). */
export function issueFor(error: WireError | null | undefined, path: string): string | undefined {
	const issues: unknown = error?.facts.issues
	if (!Array.isArray(issues)) return undefined
	for (const issue of issues as { path?: unknown; message?: unknown }[]) {
		if (typeof issue.path !== 'string' || typeof issue.message !== 'string') continue
		const at = issue.path.replace(/^config\./, '')
		if (at === path || at.startsWith(`${path}.`))
			return at === path ? issue.message : `${at.slice(path.length + 1)}: ${issue.message}`
	}
	return undefined
}
