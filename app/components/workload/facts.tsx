import { Link } from '@remix-run/react'
import type { ReactNode } from 'react'
import type { Workload } from '../../../agent/protocol/index.ts'
import { Age } from '../ui/age.tsx'
import { CopyLine } from '../ui/copy.tsx'

export function Fact({ name, children }: { name: string; children: ReactNode }) {
	return (
		<div className="grid grid-cols-[112px_minmax(0,1fr)] items-baseline border-t border-line py-1.5 first:border-t-0">
			<dt className="text-sm text-muted">{name}</dt>
			<dd className="min-w-0 break-words">{children}</dd>
		</div>
	)
}

interface FactsProps {
	workload: Workload
	config: unknown
	owner: string
	cli: string
}

export function Facts({ workload, config, owner, cli }: FactsProps) {
	return (
		<section aria-labelledby="order" className="card min-w-0 p-4">
			<h2 id="order" className="text-lg font-semibold">
				Order
			</h2>
			<dl className="mt-2">
				<Fact name="Type">{workload.type}</Fact>
				<Fact name="Node">
					{workload.node ? (
						<Link to={`/nodes/${workload.node.peerId}`} className="link">
							{workload.node.name}
						</Link>
					) : (
						'not placed'
					)}
				</Fact>
				<Fact name="Replicas">{workload.replicas}</Fact>
				<Fact name="Generation">{workload.generation}</Fact>
				<Fact name="Owner">{owner}</Fact>
				<Fact name="Created">
					<Age at={workload.createdAt} />
				</Fact>
				<Fact name="Id">
					<code className="select-all">{workload.id}</code>
				</Fact>
			</dl>
			<details className="mt-2 border-t border-line pt-2">
				<summary className="py-1 max-md:py-3">Configuration</summary>
				<pre tabIndex={0} className="mt-2 overflow-x-auto rounded bg-sunken p-3 text-sm">
					{JSON.stringify(config, null, 2)}
				</pre>
			</details>
			<p className="mt-3 mb-1 text-sm text-muted">The same order on the command line</p>
			<CopyLine text={cli} what="command" />
		</section>
	)
}
