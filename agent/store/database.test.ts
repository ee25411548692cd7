import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { LatticeError } from '../protocol/index.ts'
import { Database } from './database.ts'
import { Journal } from './journal.ts'

let folder: string
let path: string

beforeEach(() => {
	folder = mkdtempSync(join(tmpdir(), 'lattice-store-'))
	path = join(folder, 'store.sqlite')
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

function errorOf(work: () => unknown): LatticeError | null {
	try {
		work()
		return null
	} catch (thrown) {
		return LatticeError.from(thrown)
	}
}

it('a full disk is named as such, leaves nothing half done, and is forgotten once there is room', () => {
	const db = new Database(path)
	const journal = new Journal(db)
	const order = { kind: 'stop', workloadId: 'w_1', subject: 'ada', digest: 'x' }
	const { page_count: pages } = db.sql.prepare('PRAGMA page_count').get() as { page_count: number }
	// SQLite's own limit: the same error as the file system's, without one of that size.
	db.sql.exec(`PRAGMA max_page_count = ${pages + 1}`)
	const fill = () =>
		db.transaction(() => {
			for (let i = 0; i < 100; i++) journal.accept({ ...order, id: `order-${i}`, digest: 'x'.repeat(4000) })
		})
	expect(errorOf(fill)).toMatchObject({ code: 'DISK_FULL', message: expect.stringContaining('make room') })
	expect(journal.find('order-0')).toBeNull()
	db.sql.exec('PRAGMA max_page_count = 100000')
	fill()
	expect(journal.find('order-99')).not.toBeNull()
	db.close()
})

it.each(['garbage '.repeat(1000), `SQLite format 3\0${'\xff'.repeat(8000)}`])(
	'a store that is none is not begun anew, and the way out is named',
	(content) => {
		writeFileSync(path, content, 'latin1')
		const error = errorOf(() => new Database(path))
		expect(error?.message).toMatch(/store\.sqlite is damaged .*new --home/)
	},
)
