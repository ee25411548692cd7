import { Link, useNavigate } from '@remix-run/react'
import { X } from 'lucide-react'
import { type ReactNode, useEffect, useRef } from 'react'

/**
 * A dialog that is a route: with scripts it is modal and Escape goes back to `closeTo`; without, it is an open box on
 * the page, and its cross is a link.
 */
export function Sheet({ title, closeTo, children }: { title: string; closeTo: string; children: ReactNode }) {
	const ref = useRef<HTMLDialogElement>(null)
	const navigate = useNavigate()
	useEffect(() => {
		const dialog = ref.current
		if (!dialog) return
		// The server sent it open for those without scripts; a modal must be opened by showModal().
		dialog.close()
		dialog.showModal()
		// Else the cross has the focus, and Enter leaves.
		dialog.querySelector<HTMLElement>('input:not([type=hidden]), select')?.focus()
		const leave = (event: Event) => {
			event.preventDefault()
			navigate(closeTo, { preventScrollReset: true })
		}
		dialog.addEventListener('cancel', leave)
		return () => dialog.removeEventListener('cancel', leave)
	}, [closeTo, navigate])
	return (
		<dialog
			ref={ref}
			open
			aria-labelledby="sheet-title"
			className="sheet card fixed inset-0 z-40 m-auto max-h-[calc(100dvh-32px)] w-[calc(100vw-32px)] max-w-lg overflow-y-auto p-6 text-text"
		>
			<div className="mb-4 flex items-start justify-between gap-4">
				<h2 id="sheet-title" className="text-xl font-semibold">
					{title}
				</h2>
				<Link
					to={closeTo}
					preventScrollReset
					className="-mt-1 -mr-2 inline-flex size-9 items-center justify-center rounded hover:bg-sunken max-md:size-11"
				>
					<X size={16} aria-hidden />
					<span className="sr-only">Close</span>
				</Link>
			</div>
			{children}
		</dialog>
	)
}
