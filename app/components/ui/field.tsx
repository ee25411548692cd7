import type { InputHTMLAttributes, ReactNode, SelectHTMLAttributes, TextareaHTMLAttributes } from 'react'

interface Frame {
	id: string
	label: string
	help?: ReactNode
	error?: string
	unit?: string
	optional?: boolean
}

function describedBy({ id, help, error }: Frame): string | undefined {
	return [help && `${id}-help`, error && `${id}-error`].filter(Boolean).join(' ') || undefined
}

function aria(frame: Frame) {
	return { id: frame.id, 'aria-invalid': frame.error ? true : undefined, 'aria-describedby': describedBy(frame) }
}

/** Label, control, help, and the error that names this field. */
function Framed({ frame, children }: { frame: Frame; children: ReactNode }) {
	const { id, label, help, error, unit, optional } = frame
	return (
		<div className="min-w-0">
			<label htmlFor={id} className="mb-1 block font-medium">
				{label}
				{optional && <span className="font-normal text-muted"> (optional)</span>}
			</label>
			{unit ? (
				<div className="flex items-center gap-2">
					{children}
					<span className="text-muted">{unit}</span>
				</div>
			) : (
				children
			)}
			{error && (
				<p id={`${id}-error`} className="mt-1 text-sm font-medium text-failed">
					{error}
				</p>
			)}
			{help && (
				<p id={`${id}-help`} className="mt-1 text-sm text-muted">
					{help}
				</p>
			)}
		</div>
	)
}

function split<T extends Frame>(props: T): [Frame, Omit<T, keyof Frame>] {
	const { id, label, help, error, unit, optional, ...control } = props
	return [{ id, label, help, error, unit, optional }, control]
}

export function Input(props: Frame & Omit<InputHTMLAttributes<HTMLInputElement>, 'id'>) {
	const [frame, control] = split(props)
	return (
		<Framed frame={frame}>
			<input className="control" {...control} {...aria(frame)} />
		</Framed>
	)
}

export function TextArea(props: Frame & Omit<TextareaHTMLAttributes<HTMLTextAreaElement>, 'id'>) {
	const [frame, control] = split(props)
	return (
		<Framed frame={frame}>
			<textarea className="control block font-mono" spellCheck={false} {...control} {...aria(frame)} />
		</Framed>
	)
}

export function Select(props: Frame & Omit<SelectHTMLAttributes<HTMLSelectElement>, 'id'>) {
	const [frame, control] = split(props)
	return (
		<Framed frame={frame}>
			<select className="control" {...control} {...aria(frame)} />
		</Framed>
	)
}
