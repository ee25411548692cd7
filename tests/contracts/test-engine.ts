import { execFile } from 'node:child_process'
import { copyFile, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import Dockerode from 'dockerode'

const run = promisify(execFile)

/** The engine that integration tests may use; they make and remove containers there. */
export const TEST_ENGINE = process.env.LATTICE_TEST_DOCKER ?? ''

/** Debian's static busybox in an image of its own, which no registry needs to be reached for. */
export const TEST_IMAGE = 'lattice-test/busybox:1'

/** The engine's own API, to look behind the runtime. */
export function rawEngine(): Dockerode {
	if (!TEST_ENGINE.startsWith('unix://')) {
		throw new Error('LATTICE_TEST_DOCKER names no engine; give it unix:///path/of/docker.sock')
	}
	return new Dockerode({ socketPath: TEST_ENGINE.slice('unix://'.length), host: undefined, protocol: 'http' })
}

/** Builds the image when the engine lacks it. */
export async function ensureTestImage(): Promise<void> {
	const engine = rawEngine()
	const present = await engine
		.getImage(TEST_IMAGE)
		.inspect()
		.then(
			() => true,
			() => false,
		)
	if (present) return
	const folder = await mkdtemp(join(tmpdir(), 'lattice-busybox-'))
	try {
		const bin = join(folder, 'bin')
		await mkdir(bin)
		await copyFile('/bin/busybox', join(bin, 'busybox'))
		const { stdout } = await run('/bin/busybox', ['--list'])
		for (const applet of stdout.trim().split('\n')) {
			if (applet !== 'busybox') await symlink('busybox', join(bin, applet))
		}
		await writeFile(join(folder, 'Dockerfile'), 'FROM scratch\nCOPY bin /bin\nENV PATH=/bin\nCMD ["sh"]\n')
		const body = await engine.buildImage({ context: folder, src: ['Dockerfile', 'bin'] }, { t: TEST_IMAGE })
		await new Promise<void>((resolve, reject) => {
			engine.modem.followProgress(body, (error) => (error === null ? resolve() : reject(error)))
		})
	} finally {
		await rm(folder, { recursive: true, force: true })
	}
}
