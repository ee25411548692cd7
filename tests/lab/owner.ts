import { readFile } from 'node:fs/promises'

/** `pid:start time`, which no later process shares (pids return, start times in clock ticks since boot do not). */
export async function ownerIdentity(pid: number): Promise<string | null> {
	try {
		const stat = await readFile(`/proc/${pid}/stat`, 'utf8')
		// the name in parentheses may hold spaces and parentheses; field 22 is the 20th after it
		const startTime = stat
			.slice(stat.lastIndexOf(')') + 2)
			.split(' ')
			.at(19)
		return `${pid}:${startTime}`
	} catch (error) {
		if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ESRCH')) return null
		throw error
	}
}
