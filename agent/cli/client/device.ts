import { LatticeError } from '../../protocol/index.ts'
import { Device, readConfig } from '../config.ts'
import type { Home } from '../home.ts'
import { readIfThere } from '../private-file.ts'
import { trpcMutation } from './trpc.ts'

export interface OwnDevice {
	device: Device
	/** of its key */
	seed: string
}

/** This machine's from the login; with LATTICE_TOKEN alone one is made for this process, which takes the console once. */
export async function ownDevice(home: Home): Promise<OwnDevice> {
	const { device, login } = readConfig(home)
	const token = process.env.LATTICE_TOKEN
	if (device && !token) {
		const seed = readIfThere(home.file('device.key'))?.trim()
		if (seed) return { device, seed }
	}
	const url = process.env.LATTICE_URL ?? login?.url
	const bearer = token ?? login?.token
	if (!url || !bearer) {
		throw new LatticeError(
			'UNAUTHENTICATED',
			'This machine has no device certificate; run "lattice login --console URL --email EMAIL".',
		)
	}
	const { generateKey } = await import('../../identity/index.ts')
	const key = generateKey()
	const made = await trpcMutation(new URL(url), 'user.device', { publicKey: key.publicKey }, Device, { bearer })
	return { device: made, seed: key.seed }
}
