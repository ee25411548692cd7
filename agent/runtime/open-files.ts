import { readFile } from 'node:fs/promises'

/** What busy servers ask for (https://www.elastic.co/docs/deploy-manage/deploy/self-managed/file-descriptors). */
export const MAX_OPEN_FILES = 65_536

/**
 * The open-file limit that the engine can give. Inside LXC, a sandbox or rootless mode it cannot raise the hard limit
 * that it was born with, every start with a higher one fails, and its API does not tell. The agent stands beside it,
 * mostly under the same limit, so its own hard limit is taken where that is lower.
 */
export async function openFiles(local: boolean): Promise<number> {
	if (!local) return MAX_OPEN_FILES
	// no such file elsewhere than on Linux, where the engine lives in a machine of its own
	const limits = await readFile('/proc/self/limits', 'utf8').catch(() => '')
	const hard = Number(/^Max open files\s+\S+\s+(\d+)/m.exec(limits)?.[1] ?? MAX_OPEN_FILES)
	return Math.min(MAX_OPEN_FILES, hard)
}
