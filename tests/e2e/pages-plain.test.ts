import { describe, expect, it } from 'vitest'
import { stubbedPages } from '../fixtures/stubbed-pages.ts'

const pages = stubbedPages()

describe('with scripts off', () => {
	it('sign-in, deploy, stop and delete are plain forms', async () => {
		const page = await pages.open({ javaScriptEnabled: false })
		await page.goto(`${pages.empty.url}/deploy/postgres`)
		await page.getByLabel('Email').fill('ada@example.test')
		await page.getByLabel('Password').fill('wrong')
		await page.getByRole('button', { name: 'Log in' }).click()
		await page.getByText('BAD_CREDENTIALS').waitFor()
		expect(await page.getByLabel('Email').inputValue()).toBe('ada@example.test')
		await page.getByLabel('Password').fill('correct horse battery')
		await page.getByRole('button', { name: 'Log in' }).click()
		await page.waitForURL('**/deploy/postgres')

		await page.getByLabel('Name', { exact: true }).fill('Not A Name')
		await page.getByRole('button', { name: 'Deploy PostgreSQL' }).click()
		await page.getByText('use 1 to 40 lower-case letters').waitFor()
		expect(await page.getByLabel('Name', { exact: true }).inputValue()).toBe('Not A Name')
		await page.getByRole('button', { name: 'Check nodes' }).click()
		await page.getByText('Now it would run on atlas.').waitFor()
		await page.getByLabel('Name', { exact: true }).fill('plain')
		await page.getByRole('button', { name: 'Deploy PostgreSQL' }).click()
		await page.waitForURL('**/workloads/*')

		await expect
			.poll(
				async () => {
					await page.reload()
					return page.locator('article').getAttribute('data-status')
				},
				{ timeout: 15_000 },
			)
			.toBe('running')
		const workload = page.url()
		await page.getByRole('button', { name: 'Show' }).click()
		await page.getByText("psql 'postgresql://").waitFor()
		await page.getByRole('link', { name: 'Plain text' }).click()
		await page.getByText('checkpoint starting').first().waitFor()
		await page.goto(workload)
		await page.getByRole('button', { name: 'Stop' }).click()
		await page.getByRole('link', { name: 'Delete' }).click()
		await page.getByLabel('Type plain to confirm').fill('plain')
		await page.getByRole('button', { name: 'Delete plain' }).click()
		await page.waitForURL(`${pages.empty.url}/`)
		await page.getByRole('button', { name: 'Log out' }).first().click()
		await page.getByRole('button', { name: 'Log in' }).waitFor()
	})
})
