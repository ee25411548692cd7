import { Form, useNavigation } from '@remix-run/react'
import { Search } from 'lucide-react'
import { useEffect, useRef, useState } from 'react'
import { Button } from './button.tsx'

/** Longer than between two letters of who types on. */
const PAUSE_MS = 150

interface SearchBoxProps {
	/** the page that answers `?q=` */
	action: string
	label: string
	placeholder: string
	search: string
	/** what else the search keeps, as it stands in the URL */
	kept?: Record<string, string>
}

/** Without scripts it is a GET form; with them it searches as one types. */
export function SearchBox({ action, label, placeholder, search, kept = {} }: SearchBoxProps) {
	const form = useRef<HTMLFormElement>(null)
	const field = useRef<HTMLInputElement>(null)
	const [typed, setTyped] = useState<string | null>(null)
	const idle = useNavigation().state === 'idle'
	// One question at a time: the router leaves the error of an overtaken one unhandled.
	useEffect(() => {
		if (typed === null || typed.trim() === search || !idle) return
		const timer = setTimeout(() => form.current?.requestSubmit(), PAUSE_MS)
		return () => clearTimeout(timer)
	}, [typed, search, idle])
	useEffect(() => {
		// A link has cleared it. What somebody is typing is newer than any answer.
		if (!field.current || field.current === document.activeElement) return
		field.current.value = search
		setTyped(null)
	}, [search])
	return (
		<Form
			ref={form}
			role="search"
			method="get"
			action={action}
			replace
			preventScrollReset
			className="relative flex gap-2 md:ml-auto max-md:w-full"
		>
			{Object.entries(kept).map(([name, value]) => (
				<input key={name} type="hidden" name={name} value={value} />
			))}
			<Search size={14} aria-hidden className="absolute top-1/2 left-2.5 -translate-y-1/2 text-muted" />
			<input
				ref={field}
				type="search"
				name="q"
				aria-label={label}
				placeholder={placeholder}
				defaultValue={search}
				onChange={(event) => setTyped(event.target.value)}
				className="control pl-8 md:w-56"
			/>
			<Button className="needs-no-js">Search</Button>
		</Form>
	)
}
