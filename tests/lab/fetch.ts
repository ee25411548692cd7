import type { CommandResult } from './command.ts'

export interface HostResponse {
	status: number
	headers: Record<string, string>
	text: string
}

/** The request comes on stdin, so that a token in it shows in no process list. */
const PROGRAM = `
const chunks = []
process.stdin.on('data', (chunk) => chunks.push(chunk)).on('end', async () => {
	const { url, init } = JSON.parse(Buffer.concat(chunks).toString())
	try {
		const response = await fetch(url, init)
		const headers = Object.fromEntries(response.headers)
		console.log(JSON.stringify({ status: response.status, headers, text: await response.text() }))
	} catch (error) {
		console.error(error.cause?.message ?? error.message)
		process.exitCode = 1
	}
})`

/** fetch() run by a Node of its own inside a host; rejects as fetch does when there is no answer. */
export async function fetchInside(
	exec: (argv: string[], input: string) => Promise<CommandResult>,
	url: string,
	init: object,
): Promise<HostResponse> {
	const { code, stdout, stderr } = await exec([process.execPath, '-e', PROGRAM], JSON.stringify({ url, init }))
	if (code !== 0) throw new Error(`no answer from ${url}: ${stderr.trim()}`)
	return JSON.parse(stdout)
}
