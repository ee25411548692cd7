import { z } from 'zod'
import { Member } from '../protocol/index.ts'
import type { Home } from './home.ts'
import { readJsonFile, writePrivateJson } from './private-file.ts'

/** What a login at a console gave. */
export const Login = z.object({
	url: z.string(),
	token: z.string(),
	refreshToken: z.string(),
	user: z.object({ id: z.string(), email: z.string(), role: z.string() }),
})
export type Login = z.infer<typeof Login>

/** What lets this machine speak to any agent while the console is away; its key is HOME/device.key. */
export const Device = z.object({
	certificate: z.string(),
	latticeId: z.string(),
	rootPublicKey: z.string(),
	issuers: z.array(z.string()),
	members: z.array(Member),
})
export type Device = z.infer<typeof Device>

/** HOME/config.json, 0600. */
export const Config = z.object({
	login: Login.optional(),
	device: Device.optional(),
})
export type Config = z.infer<typeof Config>

export function readConfig(home: Home): Config {
	return readJsonFile(home.file('config.json'), Config) ?? {}
}

export function writeConfig(home: Home, config: Config): void {
	writePrivateJson(home.file('config.json'), config)
}
