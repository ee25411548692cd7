import { Form, useNavigation } from '@remix-run/react'
import { useState } from 'react'
import type { Credentials as Values } from '../../../agent/protocol/index.ts'
import type { Snippet } from '../../../agent/templates/template.ts'
import { Button } from '../ui/button.tsx'
import { CodeBlock, CodeLine } from '../ui/code.tsx'
import { Copy } from '../ui/copy.tsx'
import { Tabs } from '../ui/tabs.tsx'
import { fillSnippet, hideSnippet, wordsOf } from './snippet.ts'

interface CredentialsProps {
	/** what the template gives names to; empty: it has no credentials */
	names: string[]
	snippets: Snippet[]
	/** null until asked for: before that they are not in the page at all */
	values: Values | null
}

export function Credentials({ names, snippets, values }: CredentialsProps) {
	const [hidden, setHidden] = useState<Values | null>(null)
	const asking = useNavigation().formData?.get('intent') === 'reveal'
	const shown = values === hidden ? null : values
	if (names.length === 0) return null
	return (
		<section aria-labelledby="credentials" className="card min-w-0 p-4">
			<div className="flex min-h-8 items-center justify-between gap-2">
				<h2 id="credentials" className="text-lg font-semibold">
					Credentials
				</h2>
				{shown ? (
					<Button type="button" className="needs-js" onClick={() => setHidden(values)}>
						Hide
					</Button>
				) : (
					<Form method="post" preventScrollReset replace>
						<Button name="intent" value="reveal" disabled={asking}>
							{asking ? 'Reading…' : 'Show'}
						</Button>
					</Form>
				)}
			</div>
			<dl className="mt-2">
				{(shown ? Object.keys(shown) : names).map((name) => (
					<div
						key={name}
						className="grid grid-cols-[128px_minmax(0,1fr)] items-center border-t border-line first:border-t-0"
					>
						<dt className="text-sm text-muted">{titleOf(name)}</dt>
						<dd className="flex min-h-9 items-center gap-1">
							{shown ? (
								<>
									<CodeLine>{shown[name]}</CodeLine>
									<Copy text={shown[name] ?? ''} what={titleOf(name).toLowerCase()} />
								</>
							) : (
								<span className="tracking-widest text-muted">
									<span aria-hidden>••••••••</span>
									<span className="sr-only">hidden</span>
								</span>
							)}
						</dd>
					</div>
				))}
			</dl>
			{snippets.length > 0 && (
				<div className="mt-3 border-t border-line pt-2">
					<Tabs
						label="Ready to paste"
						tabs={snippets.map((snippet) => ({
							title: snippet.label,
							panel: <Paste snippet={snippet} values={shown} />,
						}))}
					/>
				</div>
			)}
		</section>
	)
}

function Paste({ snippet, values }: { snippet: Snippet; values: Values | null }) {
	const text = values ? fillSnippet(snippet.text, values) : hideSnippet(snippet.text)
	return (
		<div className="flex items-start rounded bg-sunken">
			<div className="min-w-0 flex-1">
				<CodeBlock label={snippet.label}>{text}</CodeBlock>
			</div>
			<div className="p-1">{values && <Copy text={text} what={snippet.label} />}</div>
		</div>
	)
}

/** `connectionString` → `Connection string` */
function titleOf(name: string): string {
	const words = wordsOf(name)
	return words.charAt(0).toUpperCase() + words.slice(1)
}
