/** Every URL of the console in one place (contract.md, Pages). Machines' URLs are served by server.ts before these. */
export interface RouteEntry {
	file: string
	path?: string
	index?: boolean
	children?: RouteEntry[]
}

const routes: RouteEntry[] = [
	{
		file: 'routes/console.tsx',
		children: [
			{ index: true, file: 'routes/overview.tsx' },
			{ path: 'deploy', file: 'routes/deploy.tsx' },
			{ path: 'deploy/:type', file: 'routes/deploy-form.tsx' },
			{
				path: 'workloads/:id',
				file: 'routes/workload.tsx',
				children: [{ path: 'delete', file: 'routes/workload-delete.tsx' }],
			},
			{ path: 'workloads/:id/terminal', file: 'routes/workload-terminal.tsx' },
			{ path: 'nodes', file: 'routes/nodes.tsx', children: [{ path: 'join', file: 'routes/node-join.tsx' }] },
			{
				path: 'nodes/:peerId',
				file: 'routes/node.tsx',
				children: [{ path: 'remove', file: 'routes/node-remove.tsx' }],
			},
			{ path: 'settings', file: 'routes/settings.tsx' },
			{ path: '*', file: 'routes/not-found.tsx' },
		],
	},
	{ path: 'login', file: 'routes/login.tsx' },
	{ path: 'register', file: 'routes/register.tsx' },
	{ path: 'logout', file: 'routes/logout.ts' },
	{ path: 'theme', file: 'routes/theme.ts' },
	{ path: 'live', file: 'routes/live.ts' },
	{ path: 'workloads/:id/logs', file: 'routes/workload-logs.ts' },
	{ path: 'workloads/:id/usage', file: 'routes/workload-usage.ts' },
	{ path: 'nodes/:peerId/usage', file: 'routes/node-usage.ts' },
	{ path: 'deploy/:type/candidates', file: 'routes/deploy-candidates.ts' },
]

export default routes
