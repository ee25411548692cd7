import { Link } from '@remix-run/react'
import type { Workload } from '../../../agent/protocol/index.ts'
import { CodeBlock } from '../ui/code.tsx'
import { CopyLine } from '../ui/copy.tsx'
import { Fact } from '../ui/fact.tsx'

interface OrderProps {
	workload: Workload
	config: unknown
	owner: string
	cli: string
}

export function Order({ workload, config, owner, cli }: OrderProps) {
	return (
		<section aria-labelledby="order" className="mt-8">
			<h2 id="order" className="mb-3 text-lg font-semibold">
				Order
			</h2>
			<div className="card min-w-0 p-4">
				<dl className="grid gap-x-8 md:grid-cols-2">
					<Fact name="Node">
						{workload.node ? (
							<Link to={`/nodes/${workload.node.peerId}`} className="link">
								{workload.node.name}
							</Link>
						) : (
							'not placed'
						)}
					</Fact>
					<Fact name="Owner" className="md:border-t-0">
						{owner}
					</Fact>
					<Fact name="Generation">{workload.generation}</Fact>
					<Fact name="Id">
						<code className="select-all">{workload.id}</code>
					</Fact>
				</dl>
				<p className="mt-3 mb-1 text-sm text-muted">The same on the command line</p>
				<CopyLine text={cli} what="command" />
				<details className="mt-3">
					<summary className="py-1 max-md:py-3">Configuration</summary>
					<div className="mt-2">
						<CodeBlock label="Configuration">{JSON.stringify(config, null, 2)}</CodeBlock>
					</div>
				</details>
			</div>
		</section>
	)
}
