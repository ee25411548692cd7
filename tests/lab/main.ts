import { Command, InvalidArgumentError } from 'commander'
import { ensureImages } from '../fixtures/build.ts'
import { createLab, type Lab, openLab } from './lab.ts'
import { allLabs, removeLab } from './teardown.ts'

const say = (line: string) => process.stderr.write(`${line}\n`)

function number(text: string): number {
	const value = Number(text)
	if (text === '' || !Number.isFinite(value) || value < 0) throw new InvalidArgumentError('is not a number')
	return value
}

const program = new Command('lab')
	.description('Several machines on this one, to try a lattice by hand. README.md beside this file explains it.')
	.option('--lab <id>', 'which lab, when there are several', 'lab')
	.enablePositionalOptions()

const lab = (): Promise<Lab> => openLab(program.opts<{ lab: string }>().lab)

program
	.command('up')
	.argument('<hosts>', 'how many', number)
	.option('--nat <k>', 'so many of them, the last ones, behind a NAT router each', number, 0)
	.description('make h1 … hN, each with an engine of its own')
	.action(async (hosts: number, options: { nat: number }) => {
		await ensureImages(say)
		const made = await createLab({ hosts, nat: options.nat, id: program.opts<{ lab: string }>().lab, keep: true })
		await showStatus(made, false)
	})

program
	.command('exec')
	.argument('<host>')
	.argument('<command...>')
	.passThroughOptions()
	.description('run a program in a host; its working directory, input, output and exit code are yours')
	.action(async (host: string, command: string[]) => {
		const machine = (await lab()).host(host)
		// the home folder is this machine's, which all hosts would share
		const env = { LATTICE_HOME: process.env.LATTICE_HOME ?? machine.home }
		const child = machine.spawn(command, { stdio: 'inherit', env })
		// Ctrl-C reaches the child from the terminal; this process waits for what it makes of it
		process.on('SIGINT', () => say(''))
		process.on('SIGTERM', () => child.kill('SIGTERM'))
		process.exitCode = await new Promise<number>((resolve, reject) => {
			child.once('error', reject)
			child.once('exit', (code, signal) => resolve(signal ? 128 : (code ?? 1)))
		})
	})

program
	.command('cut <a> [b]')
	.description('pull the cable between two hosts, or of one')
	.action(async (a: string, b?: string) => (await lab()).cut(a, b))
program
	.command('heal [a] [b]')
	.description('undo cut, delay and loss: everywhere, of one host, or between two')
	.action(async (a?: string, b?: string) => (await lab()).heal(a, b))
program
	.command('delay')
	.argument('<ms>', 'each way', number)
	.argument('<a>')
	.argument('[b]')
	.description('slow the link between two hosts, or of one')
	.action(async (ms: number, a: string, b?: string) => (await lab()).delay(ms, a, b))
program
	.command('loss')
	.argument('<percent>', 'each way', number)
	.argument('<a>')
	.argument('[b]')
	.description('lose packets between two hosts, or of one')
	.action(async (percent: number, a: string, b?: string) => (await lab()).loss(percent, a, b))

program
	.command('clock')
	.argument('<host>')
	.argument('<seconds>', 'how far ahead; less than 0 after `--`: how far behind', Number)
	.description('set the wall clock of the Node programs of a host off')
	.action(async (host: string, seconds: number) => (await lab()).host(host).setClock(seconds * 1000))

for (const [verb, description] of [
	['freeze', 'stop every process of a host, as a machine that hangs'],
	['thaw', 'let them go on'],
	['kill', 'power loss: kill every process of a host, engine and containers included'],
	['boot', 'start the engine of a killed host'],
] as const) {
	program
		.command(`${verb} <host>`)
		.description(description)
		.action(async (host: string) => (await lab()).host(host)[verb]())
}

program
	.command('status')
	.option('--json', 'for programs')
	.description('hosts, addresses, links')
	.action(async (options: { json?: boolean }) => showStatus(await lab(), options.json === true))

program
	.command('down')
	.option('--all', 'every lab of this machine, also what a crash left')
	.description('remove everything')
	.action(async (options: { all?: boolean }) => {
		const ids = options.all ? await allLabs() : [program.opts<{ lab: string }>().lab]
		for (const id of ids) await removeLab(id)
		say(`removed: ${ids.join(', ') || 'nothing'}`)
	})

async function showStatus(shown: Lab, json: boolean): Promise<void> {
	const hosts = await Promise.all(
		shown.hosts.map(async (host) => ({
			name: host.name,
			ip: host.ip,
			nat: host.nat,
			state: await host.state(),
			docker: `unix://${host.dockerSocket}`,
			home: host.home,
		})),
	)
	if (json) {
		console.log(JSON.stringify({ id: shown.id, hosts, links: shown.links }, null, '\t'))
		return
	}
	for (const { name, ip, nat, state, docker } of hosts) {
		console.log(`${name}\t${ip}${nat ? ' (NAT)' : ''}\t${state}\t${docker}`)
	}
	for (const { from, to, cut, delayMs, lossPercent } of shown.links) {
		const what = [cut && 'cut', delayMs > 0 && `+${delayMs} ms`, lossPercent > 0 && `${lossPercent} % lost`]
		console.log(`${from} → ${to}\t${what.filter(Boolean).join(', ')}`)
	}
}

try {
	await program.parseAsync()
} catch (error) {
	say(error instanceof Error ? error.message : String(error))
	process.exitCode = 1
}
