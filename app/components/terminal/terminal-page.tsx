import { Link } from '@remix-run/react'
import { ArrowLeft } from 'lucide-react'
import { useEffect, useRef, useState } from 'react'
import type { Workload } from '../../../agent/protocol/index.ts'
import { Button } from '../ui/button.tsx'
import { Status } from '../ui/status.tsx'
import type { Told } from './wire.ts'

type State = { kind: 'opening' } | { kind: 'open' } | { kind: 'ended'; sentence: string; failed: boolean }

interface TerminalPageProps {
	workload: Workload
	replica: number
	replicas: readonly number[]
	/** why it cannot be opened; null: it can */
	refusal: string | null
}

export function TerminalPage({ workload, replica, replicas, refusal }: TerminalPageProps) {
	const [attempt, setAttempt] = useState(0)
	const [state, setState] = useState<State>({ kind: 'opening' })
	const place = useRef<HTMLDivElement>(null)

	// biome-ignore lint/correctness/useExhaustiveDependencies: `attempt` opens it again
	useEffect(() => {
		if (refusal !== null) return
		let ended = false
		let close = () => {
			ended = true
		}
		setState({ kind: 'opening' })
		void import('./xterm.ts').then(({ openTerminal }) => {
			if (ended || !place.current) return
			const terminal = openTerminal(
				place.current,
				{ url: `/workloads/${workload.id}/terminal`, replica },
				{
					onTold: (told) => setState(stateOf(told)),
					onLost: () => setState({ kind: 'ended', sentence: 'The connection was lost.', failed: true }),
				},
			)
			close = terminal.end
		})
		return () => close()
	}, [workload.id, replica, refusal, attempt])

	return (
		<>
			<Link
				to={`/workloads/${workload.id}`}
				className="inline-flex items-center gap-1 text-sm text-muted hover:text-text max-md:min-h-11"
			>
				<ArrowLeft size={14} aria-hidden />
				{workload.name}
			</Link>
			<div className="mt-2 mb-3 flex flex-wrap items-center gap-x-4 gap-y-2">
				<h1 className="text-2xl font-semibold tracking-tight break-all max-md:text-xl">Terminal in {workload.name}</h1>
				{refusal === null && <Standing state={state} />}
				{state.kind === 'ended' && (
					<Button type="button" onClick={() => setAttempt((count) => count + 1)}>
						Open again
					</Button>
				)}
			</div>
			{replicas.length > 1 && <Replicas workload={workload} chosen={replica} replicas={replicas} />}
			{refusal === null ? (
				<>
					<section
						aria-label={`Terminal in ${workload.name}`}
						className="card h-[calc(100dvh-240px)] min-h-64 overflow-hidden bg-sunken p-2"
					>
						<div ref={place} className="h-full bg-sunken font-mono text-text" />
					</section>
					<p className="mt-2 text-sm text-muted">
						It runs with the container's own rights, closes with it and after 30 minutes of silence. That it was opened
						is in the audit trail; what is typed is not. In a terminal of yours:{' '}
						<code>./lattice exec {workload.name} -it</code>
					</p>
				</>
			) : (
				<p className="card p-4">{refusal}</p>
			)}
		</>
	)
}

function stateOf(told: Told): State {
	if (told.type === 'ready') return { kind: 'open' }
	if (told.type === 'error') return { kind: 'ended', sentence: told.error.message, failed: true }
	if (told.reason !== null) return { kind: 'ended', sentence: `It was ${told.reason}.`, failed: true }
	return { kind: 'ended', sentence: `The shell has ended with ${told.code ?? 'no code'}.`, failed: false }
}

function Standing({ state }: { state: State }) {
	return (
		<span role="status">
			{state.kind === 'opening' && <Status tone="progressing" word="opening" />}
			{state.kind === 'open' && <Status tone="healthy" word="open" />}
			{state.kind === 'ended' && (
				<>
					<Status tone={state.failed ? 'failed' : 'stopped'} word="ended" />{' '}
					<span className="text-muted">{state.sentence}</span>
				</>
			)}
		</span>
	)
}

function Replicas({ workload, chosen, replicas }: { workload: Workload; chosen: number; replicas: readonly number[] }) {
	return (
		<nav aria-label="Replica" className="mb-3 flex flex-wrap gap-1">
			{replicas.map((replica) => (
				<Link
					key={replica}
					to={`/workloads/${workload.id}/terminal?replica=${replica}`}
					replace
					aria-current={replica === chosen ? 'true' : undefined}
					className="inline-flex min-h-8 items-center rounded border border-transparent px-2 text-sm text-muted hover:text-text aria-[current]:border-control aria-[current]:bg-surface aria-[current]:text-text max-md:min-h-11"
				>
					Replica {replica}
				</Link>
			))}
		</nav>
	)
}
