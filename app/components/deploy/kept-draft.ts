import { useEffect, useState } from 'react'
import type { Draft } from './draft.ts'

/** A half-filled form outlives a reload and a look at another page, in this tab only. */
const keyOf = (type: string) => `lattice-draft-${type}`

export function keepDraft(type: string, draft: Draft): void {
	sessionStorage.setItem(keyOf(type), JSON.stringify(draft))
}

export function dropDraft(type: string): void {
	sessionStorage.removeItem(keyOf(type))
}

function keptDraft(type: string): Draft | null {
	const kept = sessionStorage.getItem(keyOf(type))
	return kept ? (JSON.parse(kept) as Draft) : null
}

/** Null until the page is hydrated and when nothing was kept. A form that the server sent back with errors is newer. */
export function useKeptDraft(type: string, sentBack: boolean): Draft | null {
	const [draft, setDraft] = useState<Draft | null>(null)
	useEffect(() => setDraft(sentBack ? null : keptDraft(type)), [type, sentBack])
	return draft
}
