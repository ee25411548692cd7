/**
 * Read by vite.config.ts. Every v3_* flag is on, so that the way to React Router 7 is a rename, but for the discovery of
 * routes: there are some twenty, and looking for those of each link in a page costs more than naming all.
 * @type {import('@remix-run/dev').VitePluginConfig}
 */
export default {
	appDirectory: 'app',
	buildDirectory: 'build',
	serverModuleFormat: 'esm',
	future: {
		v3_fetcherPersist: true,
		v3_lazyRouteDiscovery: false,
		v3_relativeSplatPath: true,
		v3_routeConfig: true,
		v3_singleFetch: true,
		v3_throwAbortReason: true,
	},
}
