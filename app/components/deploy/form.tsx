import { Form, Link, useFetcher, useNavigation } from '@remix-run/react'
import { ArrowLeft } from 'lucide-react'
import { type FormEvent, useEffect, useRef, useState } from 'react'
import type { WireError } from '../../../agent/protocol/index.ts'
import type { Field } from '../../../agent/templates/template.ts'
import { Button } from '../ui/button.tsx'
import { CopyLine } from '../ui/copy.tsx'
import { Input } from '../ui/field.tsx'
import { issueFor, Problem } from '../ui/problem.tsx'
import { type Candidates, CandidateTable } from './candidates.tsx'
import { cliOf } from './cli.ts'
import { type Draft, draftOfForm } from './draft.ts'
import { dropDraft, keepDraft, useKeptDraft } from './kept-draft.ts'
import { TemplateFields } from './template-fields.tsx'
import { TemplateIcon } from './template-icon.tsx'

interface DeployFormProps {
	template: { type: string; title: string; description: string; icon: string; fields: Field[] }
	defaults: Draft
	required: string[]
	candidates: Candidates
	commandId: string
	answer?: { name: string; draft: Draft; candidates: Candidates | null; error?: WireError }
}

/** Long enough that a word is typed, short enough to feel live. */
const ASK_AFTER_MS = 300
const NAME = 'name'

export function DeployForm({ template, defaults, required, candidates, commandId, answer }: DeployFormProps) {
	const { type, fields } = template
	const kept = useKeptDraft(type, answer !== undefined)
	const start = answer ? { ...answer.draft, [NAME]: [answer.name] } : (kept ?? defaults)
	const [draft, setDraft] = useState(start)
	const live = useFetcher<Candidates>()
	const form = useRef<HTMLFormElement>(null)
	const timer = useRef<ReturnType<typeof setTimeout>>()
	const sending = useNavigation().formMethod === 'POST'
	useDropWhenDeployed(type)

	function ask(filled: HTMLFormElement) {
		const values = new FormData(filled)
		clearTimeout(timer.current)
		timer.current = setTimeout(
			() => live.submit(values, { method: 'post', action: `/deploy/${type}/candidates` }),
			ASK_AFTER_MS,
		)
	}
	function onInput(event: FormEvent<HTMLFormElement>) {
		const values = new FormData(event.currentTarget)
		const next = { ...draftOfForm(fields, values), [NAME]: [String(values.get(NAME) ?? '')] }
		setDraft(next)
		keepDraft(type, next)
		ask(event.currentTarget)
	}
	// A kept draft is newer than what the server knew when it drew the candidates.
	// biome-ignore lint/correctness/useExhaustiveDependencies: once, when it is found
	useEffect(() => {
		if (!kept || !form.current) return
		setDraft(kept)
		ask(form.current)
	}, [kept])

	const error = answer?.error
	const issues = Array.isArray(error?.facts.issues)
	return (
		<>
			<Link to="/deploy" className="inline-flex items-center gap-1 text-sm text-muted hover:text-text max-md:min-h-11">
				<ArrowLeft size={14} aria-hidden />
				All services
			</Link>
			<h1 className="mt-2 flex items-center gap-3 text-2xl font-semibold tracking-tight max-md:text-xl">
				<TemplateIcon name={template.icon} size={24} />
				Deploy {template.title}
			</h1>
			<p className="mt-1 text-muted">{template.description}</p>
			<div className="mt-6 grid gap-8 lg:grid-cols-[minmax(0,400px)_minmax(0,1fr)]">
				{/* The key draws the fields anew once a kept draft is found: they are uncontrolled, as without scripts. */}
				<Form
					key={kept ? 'kept' : 'new'}
					ref={form}
					method="post"
					onInput={onInput}
					className="grid content-start gap-4"
				>
					{error && <Problem error={issues ? { ...error, message: 'Some fields need another look.' } : error} />}
					<input type="hidden" name="commandId" value={commandId} />
					<Input
						id="field-name"
						name={NAME}
						label="Name"
						required
						autoComplete="off"
						autoCapitalize="off"
						spellCheck={false}
						placeholder={type === 'custom' ? 'my-service' : `my-${type}`}
						help="Lower-case letters, digits and dashes. It becomes part of host names."
						defaultValue={start[NAME]?.[0]}
						error={issueFor(error, NAME)}
					/>
					<TemplateFields
						required={required}
						fields={fields.filter((field) => !field.advanced)}
						draft={start}
						error={error}
					/>
					<details className="card" open={fields.some((field) => field.advanced && issueFor(error, field.path))}>
						<summary className="px-4 py-2 font-medium max-md:py-3">Advanced</summary>
						<div className="grid gap-4 border-t border-line p-4">
							<TemplateFields
								required={required}
								fields={fields.filter((field) => field.advanced)}
								draft={start}
								error={error}
							/>
						</div>
					</details>
					<div className="flex flex-wrap gap-2">
						<Button variant="primary" disabled={sending}>
							{sending ? 'Deploying…' : `Deploy ${template.title}`}
						</Button>
						<Button name="intent" value="check" formNoValidate className="needs-no-js">
							Check nodes
						</Button>
					</div>
				</Form>
				<div className="grid min-w-0 content-start gap-8">
					<CandidateTable candidates={live.data ?? answer?.candidates ?? candidates} asking={live.state !== 'idle'} />
					<section aria-labelledby="cli" className="min-w-0">
						<h2 id="cli" className="mb-3 text-lg font-semibold">
							The same on the command line
						</h2>
						<CopyLine text={cliOf({ name: draft[NAME]?.[0] ?? '', type, fields, draft, defaults })} what="command" />
					</section>
				</div>
			</div>
		</>
	)
}

/** On the way to the new workload's page the draft has done its work; on any other way it is kept. */
function useDropWhenDeployed(type: string) {
	const { state, location, formMethod } = useNavigation()
	const deployed = state === 'loading' && formMethod === 'POST' && location?.pathname.startsWith('/workloads/')
	useEffect(() => {
		if (deployed) dropDraft(type)
	}, [deployed, type])
}
