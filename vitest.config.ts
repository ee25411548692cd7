import { defineConfig } from 'vitest/config'

/**
 * unit: no engine, no network beyond loopback, beside the code.
 * integration: one real engine and one real database (LATTICE_TEST_DOCKER names the engine).
 * cluster: several lab hosts. e2e: the console in Chromium.
 * The last three run one file at a time: they own the engine of their lab (tests/run puts each run into one).
 */
const serial = { fileParallelism: false, testTimeout: 120_000, hookTimeout: 180_000 }

export default defineConfig({
	test: {
		projects: [
			{
				test: {
					name: 'unit',
					include: ['{app,agent,tests}/**/*.test.ts'],
					exclude: ['**/*.engine.test.ts', 'tests/{integration,cluster,e2e}/**', '**/node_modules/**'],
					testTimeout: 30_000,
				},
			},
			{
				test: {
					name: 'integration',
					include: ['**/*.engine.test.ts', 'tests/integration/**/*.test.ts'],
					exclude: ['**/node_modules/**'],
					...serial,
				},
			},
			{ test: { name: 'cluster', include: ['tests/cluster/**/*.test.ts'], ...serial } },
			{ test: { name: 'e2e', include: ['tests/e2e/**/*.test.ts'], ...serial } },
		],
	},
})
