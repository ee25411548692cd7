import type { WireError } from '../../../agent/protocol/index.ts'
import type { Field } from '../../../agent/templates/template.ts'
import { Input, Select, TextArea } from '../ui/field.tsx'
import { issueFor } from '../ui/problem.tsx'
import type { Draft } from './draft.ts'

interface TemplateFieldsProps {
	fields: readonly Field[]
	draft: Draft
	required: readonly string[]
	error: WireError | undefined
}

const LINES: Partial<Record<Field['kind'], { rows: number; placeholder: string; format: string }>> = {
	env: { rows: 4, placeholder: 'KEY=value', format: 'One KEY=value a line; a whole .env file can be pasted.' },
	ports: { rows: 1, placeholder: '8080/http', format: 'As 8080/http or 5432/tcp, several apart by spaces.' },
	volumes: { rows: 2, placeholder: 'data:/var/lib/data', format: 'One name:/path a line.' },
	list: { rows: 1, placeholder: '', format: 'Several apart by spaces.' },
	constraints: { rows: 2, placeholder: 'region=home', format: 'One label=value a line.' },
}

/** The template's own fields, by its data; those without `advanced` are the few that matter. */
export function TemplateFields({ fields, draft, required, error }: TemplateFieldsProps) {
	return (
		<>
			{fields.map((field) => (
				<TemplateField
					key={field.path}
					field={field}
					values={draft[field.path] ?? []}
					required={required.includes(field.path)}
					error={issueFor(error, field.path)}
				/>
			))}
		</>
	)
}

interface TemplateFieldProps {
	field: Field
	values: string[]
	required: boolean
	error: string | undefined
}

function TemplateField({ field, values, required, error }: TemplateFieldProps) {
	const { path, label, kind, help, placeholder, unit, options = [], multiple } = field
	const frame = { id: `field-${path}`, name: path, label, help, error, required }
	if (kind === 'select' && multiple) return <Choices field={field} values={values} error={error} />
	if (kind === 'select') {
		return (
			<Select {...frame} defaultValue={values[0]}>
				{options.map((option) => (
					<option key={option.value} value={option.value}>
						{option.label}
					</option>
				))}
			</Select>
		)
	}
	const lines = LINES[kind]
	if (lines) {
		return (
			<TextArea
				{...frame}
				rows={Math.max(lines.rows, values[0]?.split('\n').length ?? 0)}
				placeholder={placeholder ?? lines.placeholder}
				help={help ? `${help} ${lines.format}` : lines.format}
				defaultValue={values[0]}
			/>
		)
	}
	return (
		<Input
			{...frame}
			inputMode={kind === 'number' ? 'decimal' : undefined}
			autoComplete="off"
			autoCapitalize="off"
			spellCheck={false}
			placeholder={placeholder}
			unit={unit}
			defaultValue={values[0]}
		/>
	)
}

function Choices({ field, values, error }: Omit<TemplateFieldProps, 'required'>) {
	return (
		<fieldset>
			<legend className="mb-1 font-medium">{field.label}</legend>
			<div className="flex flex-wrap gap-x-6">
				{field.options?.map(({ value, label }) => (
					<label key={value} className="inline-flex min-h-9 items-center gap-2 max-md:min-h-11">
						<input type="checkbox" name={field.path} value={value} defaultChecked={values.includes(value)} />
						{label}
					</label>
				))}
			</div>
			{error && <p className="text-sm font-medium text-failed">{error}</p>}
			{field.help && <p className="text-sm text-muted">{field.help}</p>}
		</fieldset>
	)
}
