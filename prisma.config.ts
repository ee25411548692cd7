import { defineConfig } from 'prisma/config'

/** The url is for Prisma's own tools (`prisma studio`, `prisma migrate deploy`); the console reads DATABASE_URL itself. */
export default defineConfig({
	schema: 'prisma/schema.prisma',
	migrations: { path: 'prisma/migrations' },
	datasource: { url: process.env.DATABASE_URL ?? 'postgresql://localhost:5432/lattice' },
})
