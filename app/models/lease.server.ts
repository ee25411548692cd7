import type { Queries } from './database.server.ts'

/**
 * Takes or prolongs a lease; false while another holder has it. The database's clock alone decides, so that consoles
 * whose clocks differ cannot both hold it.
 */
export async function holdLease(queries: Queries, name: string, holder: string, seconds: number): Promise<boolean> {
	const taken = await queries.$executeRaw`
		INSERT INTO "Lease" (name, holder, "expiresAt")
		VALUES (${name}, ${holder}, (now() AT TIME ZONE 'utc') + make_interval(secs => ${seconds}::double precision))
		ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, "expiresAt" = excluded."expiresAt"
		WHERE "Lease".holder = excluded.holder OR "Lease"."expiresAt" < (now() AT TIME ZONE 'utc')`
	return taken === 1
}

export async function releaseLease(queries: Queries, name: string, holder: string): Promise<void> {
	await queries.lease.deleteMany({ where: { name, holder } })
}
