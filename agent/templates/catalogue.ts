import { type Credentials, type Endpoint, LatticeError } from '../protocol/index.ts'
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

/**
 * Credentials whose address is the best of `endpoints`: whoever shows them knows of gateways that the host which made
 * them may not know.
 */
export function addressed(
	workload: { type: string; config: unknown },
	credentials: Credentials,
	endpoints: Endpoint[],
): Credentials {
	const template = TEMPLATES.find(({ type }) => type === workload.type)
	const config = template?.schema.safeParse(workload.config)
	// A newer node may run a service that this catalogue does not have yet.
	if (!template || !config?.success) return credentials
	return { ...credentials, ...template.credentials(config.data, credentials, endpoints) }
}
