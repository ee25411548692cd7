import { readFile } from 'node:fs/promises'

/**
 * `pid:start time`, which no later process shares (pids return, start times in clock ticks since boot do not). null when
 * there is none, or one that is dead and only waits to be reaped.
 */
export async function ownerIdentity(pid: number): Promise<string | null> {
	try {
		const stat = await readFile(`/proc/${pid}/stat`, 'utf8')
		// the name in parentheses may hold spaces and parentheses; behind it come field 3, the state, and so on
		const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
		return fields[0] === 'Z' || fields[0] === 'X' ? null : `${pid}:${fields[22 - 3]}`
	} catch (error) {
		if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ESRCH')) return null
		throw error
	}
}
