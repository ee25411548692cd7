import { vitePlugin as remix } from '@remix-run/dev'
import tailwindcss from '@tailwindcss/vite'
import { defineConfig } from 'vite'
import config from './remix.config.js'

/** Types of loaders and actions follow the flag in remix.config.js. */
declare module '@remix-run/server-runtime' {
	interface Future {
		v3_singleFetch: true
	}
}

export default defineConfig(({ command }) => {
	// A build that tests start inherits NODE_ENV=test, and would ship React's development half (155 kB instead of 100).
	if (command === 'build') process.env.NODE_ENV = 'production'
	return {
		plugins: [tailwindcss(), remix(config)],
		build: { target: 'es2022' },
	}
})
