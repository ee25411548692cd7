import { type ChildProcess, spawn } from 'node:child_process'

export interface CommandResult {
	code: number
	stdout: string
	stderr: string
}

/** Runs a program to its end and returns what it said; does not judge the exit code. */
export async function capture(
	file: string,
	args: readonly string[],
	options: { input?: string; env?: NodeJS.ProcessEnv; cwd?: string; signal?: AbortSignal } = {},
): Promise<CommandResult> {
	const child = spawn(file, args, { stdio: ['pipe', 'pipe', 'pipe'], ...options })
	child.stdin.on('error', () => child.stdin.destroy()) // the program ended without reading its input
	child.stdin.end(options.input ?? '')
	return collect(child, file)
}

/** Runs a program that has to succeed; the error carries what it wrote on stderr. */
export async function run(
	file: string,
	args: readonly string[],
	options: Parameters<typeof capture>[2] = {},
): Promise<string> {
	const { code, stdout, stderr } = await capture(file, args, options)
	if (code !== 0) throw new Error(`${[file, ...args].join(' ')} failed with ${code}: ${(stderr || stdout).trim()}`)
	return stdout
}

/** Waits for a child whose output is piped. A signal counts as 128 + its absence of a code, as in a shell. */
export async function collect(child: ChildProcess, name: string): Promise<CommandResult> {
	const output = { stdout: '', stderr: '' }
	child.stdout?.setEncoding('utf8').on('data', (text: string) => {
		output.stdout += text
	})
	child.stderr?.setEncoding('utf8').on('data', (text: string) => {
		output.stderr += text
	})
	return new Promise((resolve, reject) => {
		child.once('error', (error) => reject(new Error(`${name} cannot be run: ${error.message}`)))
		child.once('close', (code) => resolve({ code: code ?? 128, ...output }))
	})
}

/** Polls until `probe` gives something other than undefined, null or false; fails naming what was awaited. */
export async function until<T>(
	what: string,
	timeoutMs: number,
	probe: () => Promise<T | undefined | null | false> | T | undefined | null | false,
): Promise<T> {
	const deadline = performance.now() + timeoutMs
	for (;;) {
		const result = await probe()
		if (result !== undefined && result !== null && result !== false) return result
		if (performance.now() > deadline) throw new Error(`${what} did not happen within ${timeoutMs / 1000} s`)
		await new Promise((resolve) => setTimeout(resolve, 20))
	}
}
