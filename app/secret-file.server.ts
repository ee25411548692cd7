import { randomUUID } from 'node:crypto'
import { link, mkdir, open, readFile, rm } from 'node:fs/promises'
import path from 'node:path'

/** Null when there is no such file. */
export async function readIfThere(file: string): Promise<string | null> {
	try {
		return await readFile(file, 'utf8')
	} catch (error) {
		if (isCode(error, 'ENOENT')) return null
		throw error
	}
}

/**
 * Makes a file that only this user can read, whole or not at all, also when the power fails; answers its text. When
 * another process made it in the same instant, that one's text: both go on with the same secret.
 */
export async function createSecretFile(file: string, text: string): Promise<string> {
	await mkdir(path.dirname(file), { recursive: true, mode: 0o700 })
	const draft = `${file}.${randomUUID()}`
	try {
		const handle = await open(draft, 'wx', 0o600)
		try {
			await handle.writeFile(text)
			await handle.sync()
		} finally {
			await handle.close()
		}
		await link(draft, file)
		return text
	} catch (error) {
		if (!isCode(error, 'EEXIST')) throw error
		return readFile(file, 'utf8')
	} finally {
		await rm(draft, { force: true })
	}
}

function isCode(error: unknown, code: string): boolean {
	return error instanceof Error && 'code' in error && error.code === code
}
