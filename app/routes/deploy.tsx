import type { LoaderFunctionArgs, MetaFunction } from '@remix-run/node'
import { Link, useLoaderData } from '@remix-run/react'
import { TEMPLATES } from '../../agent/templates/catalogue.ts'
import { TemplateIcon } from '../components/deploy/template-icon.tsx'
import { ErrorPage } from '../components/shell/error-page.tsx'
import { requireActor } from '../session.server.ts'

export const meta: MetaFunction = () => [{ title: 'Deploy · Lattice' }]

export async function loader({ request, context }: LoaderFunctionArgs) {
	await requireActor(request, context)
	return { templates: TEMPLATES.map(({ type, title, description, icon }) => ({ type, title, description, icon })) }
}

export default function Deploy() {
	const { templates } = useLoaderData<typeof loader>()
	return (
		<>
			<h1 className="text-2xl font-semibold tracking-tight max-md:text-xl">Deploy</h1>
			<p className="mt-1 text-muted">Choose a service. The lattice finds the node for it, and says why.</p>
			<ul className="mt-6 grid grid-cols-[repeat(auto-fill,minmax(min(100%,280px),1fr))] gap-3">
				{templates.map(({ type, title, description, icon }) => (
					<li key={type} className="card relative flex gap-4 p-4 hover:border-control">
						<TemplateIcon name={icon} size={24} />
						<div className="min-w-0">
							<Link to={`/deploy/${type}`} prefetch="intent" className="row-link text-lg font-semibold">
								{title}
							</Link>
							<p className="mt-1 text-muted">{description}</p>
						</div>
					</li>
				))}
			</ul>
		</>
	)
}

export function ErrorBoundary() {
	return <ErrorPage />
}
