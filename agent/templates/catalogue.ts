import { LatticeError } from '../protocol/index.ts'
import { custom } from './custom.ts'
import { mariadb } from './mariadb.ts'
import { minio } from './minio.ts'
import { mongo } from './mongo.ts'
import { nginx } from './nginx.ts'
import { postgres } from './postgres.ts'
import { redis } from './redis.ts'
import type { Template } from './template.ts'

/** Every service that can be deployed, in the order of the cards. A new one is one file and one entry here. */
export const TEMPLATES: readonly Template[] = [postgres, mariadb, mongo, redis, minio, nginx, custom]

export function templateOf(type: string): Template {
	const template = TEMPLATES.find((candidate) => candidate.type === type)
	if (template === undefined) {
		const known = TEMPLATES.map((candidate) => candidate.type)
		const message = `is not a service of the catalogue; choose one of ${known.join(', ')}`
		throw new LatticeError('INVALID_INPUT', `type: ${message}.`, { issues: [{ path: 'type', message }], known })
	}
	return template
}
