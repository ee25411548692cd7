import type { Queries } from './database.server.ts'

export interface DeviceRecord {
	publicKey: string
	userId: string
	address: string
	createdAt: Date
	expiresAt: Date
	revokedAt: Date | null
}

/** A device that asks again keeps its row; one that was revoked stays so. False: the key is another user's. */
export async function saveDevice(
	queries: Queries,
	device: Pick<DeviceRecord, 'publicKey' | 'userId' | 'address' | 'expiresAt'>,
): Promise<boolean> {
	const { publicKey, userId, ...data } = device
	await queries.device.createMany({ data: device, skipDuplicates: true })
	return (await queries.device.updateMany({ where: { publicKey, userId }, data })).count > 0
}

export async function devicesOf(queries: Queries, userId: string, now: Date): Promise<DeviceRecord[]> {
	const where = { userId, revokedAt: null, expiresAt: { gt: now } }
	return queries.device.findMany({ where, orderBy: { createdAt: 'desc' } })
}

/** Those whose certificates could still be shown. */
export async function revokedDevices(queries: Queries, now: Date): Promise<DeviceRecord[]> {
	return queries.device.findMany({ where: { revokedAt: { not: null }, expiresAt: { gt: now } } })
}

export async function isRevokedDevice(queries: Queries, publicKey: string): Promise<boolean> {
	return (await queries.device.count({ where: { publicKey, revokedAt: { not: null } } })) > 0
}

/** False when it is not this user's, or revoked already. */
export async function markRevoked(queries: Queries, userId: string, publicKey: string, now: Date): Promise<boolean> {
	const where = { publicKey, userId, revokedAt: null }
	return (await queries.device.updateMany({ where, data: { revokedAt: now } })).count > 0
}
