import { useFetcher } from '@remix-run/react'
import type { Probed, WireError } from '../../../agent/protocol/index.ts'
import { measuresOf } from '../../../agent/protocol/measures.ts'
import { Button } from '../ui/button.tsx'

/** Has another node dial the endpoint, and says what it measured. */
export function EndpointTest({ url }: { url: string }) {
	const test = useFetcher<{ probed?: Probed; error?: WireError }>()
	const isBusy = test.state !== 'idle'
	return (
		<test.Form method="post" className="mt-1 flex flex-wrap items-center gap-x-3 gap-y-1">
			<input type="hidden" name="url" value={url} />
			<Button variant="quiet" name="intent" value="probe" className="text-sm" disabled={isBusy}>
				{isBusy ? 'Testing…' : 'Test'}
				<span className="sr-only"> {url}</span>
			</Button>
			<p role="status" className="min-w-0 text-sm">
				{!isBusy && test.data?.error && <span className="text-failed">{test.data.error.message}</span>}
				{!isBusy && test.data?.probed && <Result probed={test.data.probed} />}
			</p>
		</test.Form>
	)
}

function Result({ probed }: { probed: Probed }) {
	const { answered, problem, from, isElsewhere } = probed
	return (
		<>
			<span className={answered ? 'text-healthy' : 'text-degraded'}>{answered ? 'Answers' : 'Does not answer'}</span>
			{' to '}
			{from.name}
			{isElsewhere ? '' : ', which serves it itself'}
			{`: ${problem ?? measuresOf(probed)}`}
		</>
	)
}
