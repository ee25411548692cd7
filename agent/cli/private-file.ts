import { closeSync, fsyncSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs'
import type { z } from 'zod'
import { LatticeError } from '../protocol/index.ts'

/** Writes a file that only its owner reads, whole or not at all: a crash leaves the old content. */
export function writePrivate(path: string, content: string): void {
	const draft = `${path}.${process.pid}.new`
	const file = openSync(draft, 'w', 0o600)
	try {
		writeSync(file, content)
		fsyncSync(file)
	} finally {
		closeSync(file)
	}
	renameSync(draft, path)
}

export function writePrivateJson(path: string, value: unknown): void {
	writePrivate(path, `${JSON.stringify(value, null, '\t')}\n`)
}

/** The file's text, or null when it is not there. */
export function readIfThere(path: string): string | null {
	try {
		return readFileSync(path, 'utf8')
	} catch (error) {
		if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null
		throw error
	}
}

/** The file as `schema` says, or null when it is not there; a damaged one is named, never replaced silently. */
export function readJsonFile<T>(path: string, schema: z.ZodType<T>): T | null {
	const text = readIfThere(path)
	if (text === null) return null
	try {
		return schema.parse(JSON.parse(text))
	} catch (cause) {
		throw new LatticeError(
			'INVALID_INPUT',
			`${path} is damaged; repair it, or move it away to start afresh.`,
			{ path },
			{ cause },
		)
	}
}
