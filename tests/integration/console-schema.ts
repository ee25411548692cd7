import { readFile } from 'node:fs/promises'
import pg from 'pg'

/**
 * Both sides of the drift test in one form. Prisma's own differ is a binary from the internet; this reads the part of
 * the schema language that schema.prisma uses, and fails on anything else, so that it cannot pass by not looking.
 */
export interface Table {
	/** "name type [not null] [default]" */
	columns: string[]
	/** "[unique ]a,b" */
	indexes: string[]
	/** "a -> Table.b on delete rule" */
	foreignKeys: string[]
}
export type Tables = Record<string, Table>

const TYPES: Record<string, string> = {
	String: 'text',
	Int: 'integer',
	BigInt: 'bigint',
	Boolean: 'boolean',
	Float: 'double precision',
	DateTime: 'timestamp(3) without time zone',
	Json: 'jsonb',
}
const RULES: Record<string, string> = { Cascade: 'c', Restrict: 'r', SetNull: 'n' }

export async function readSchema(file: string): Promise<Tables> {
	const text = (await readFile(file, 'utf8')).replaceAll(/\/\/.*$/gm, '')
	const models = [...text.matchAll(/^model (\w+) \{\n(.*?)^\}/gms)]
	const names = new Set(models.map((match) => match[1]))
	return Object.fromEntries(models.map(([, name = '', body = '']) => [name, readModel(body, names)]))
}

function readModel(body: string, models: Set<string | undefined>): Table {
	const table: Table = { columns: [], indexes: [], foreignKeys: [] }
	const lines = body.split('\n').map((line) => line.trim())
	for (const line of lines.filter((text) => text !== '')) {
		const block = /^@@(id|unique|index)\(\[([\w, ]+)\]\)$/.exec(line)
		const field = /^(\w+)\s+(\w+)(\?|\[\])?\s*(.*)$/.exec(line)
		if (block) table.indexes.push(indexOf(block[1] === 'index' ? '' : 'unique ', block[2] ?? ''))
		else if (field && models.has(field[2])) readRelation(field[2] ?? '', field[4] ?? '', table)
		else if (field) readColumn(field, table)
		else throw new Error(`the drift test cannot read "${line}"`)
	}
	return sorted(table)
}

function readRelation(target: string, attributes: string, table: Table): void {
	if (attributes === '') return
	const relation = /^@relation\(fields: \[(\w+)\], references: \[(\w+)\], onDelete: (\w+)\)$/.exec(attributes)
	const rule = RULES[relation?.[3] ?? '']
	if (!relation || !rule) throw new Error(`the drift test cannot read "${attributes}"`)
	table.foreignKeys.push(`${relation[1]} -> ${target}.${relation[2]} ${rule}`)
}

function readColumn([, name = '', type = '', mark = '', attributes = '']: RegExpExecArray, table: Table): void {
	const sqlType = TYPES[type]
	if (!sqlType || mark === '[]') throw new Error(`the drift test does not know the type ${type}${mark}`)
	if (/@(id|unique)\b/.test(attributes)) table.indexes.push(`unique ${name}`)
	const given = /@default\((.*?)\)(?:\s|$)/.exec(attributes)?.[1]
	const parts = [
		name,
		sqlType,
		mark === '?' ? '' : 'not null',
		given === undefined ? '' : `= ${given.replaceAll('"', '')}`,
	]
	table.columns.push(parts.filter((part) => part !== '').join(' '))
}

export async function readDatabase(url: string): Promise<Tables> {
	const client = new pg.Client({ connectionString: url })
	await client.connect()
	try {
		const tables: Tables = {}
		const tableOf = (name: string) => {
			tables[name] ??= { columns: [], indexes: [], foreignKeys: [] }
			return tables[name]
		}
		const columns = await client.query<{
			table: string
			name: string
			type: string
			notnull: boolean
			def: string | null
		}>(`
			SELECT c.relname AS table, a.attname AS name, format_type(a.atttypid, a.atttypmod) AS type,
				a.attnotnull AS notnull, pg_get_expr(d.adbin, d.adrelid) AS def
			FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
			LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
			WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' AND a.attnum > 0 AND NOT a.attisdropped
				AND c.relname <> '_prisma_migrations'`)
		for (const row of columns.rows) {
			const def = row.def === null ? '' : `= ${readDefault(row.def)}`
			const parts = [row.name, row.type, row.notnull ? 'not null' : '', def]
			tableOf(row.table).columns.push(parts.filter((part) => part !== '').join(' '))
		}
		const indexes = await client.query<{ table: string; unique: boolean; columns: string }>(`
			SELECT c.relname AS table, i.indisunique AS unique,
				(SELECT string_agg(a.attname, ',' ORDER BY k.n) FROM unnest(i.indkey) WITH ORDINALITY AS k(attnum, n)
					JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.attnum) AS columns
			FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid
			WHERE c.relnamespace = 'public'::regnamespace AND c.relname <> '_prisma_migrations'`)
		for (const row of indexes.rows) tableOf(row.table).indexes.push(indexOf(row.unique ? 'unique ' : '', row.columns))
		const keys = await client.query<{ table: string; target: string; from: string; to: string; rule: string }>(`
			SELECT c.relname AS table, t.relname AS target, f.confdeltype AS rule, a.attname AS from, b.attname AS to
			FROM pg_constraint f JOIN pg_class c ON c.oid = f.conrelid JOIN pg_class t ON t.oid = f.confrelid
			JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = f.conkey[1]
			JOIN pg_attribute b ON b.attrelid = t.oid AND b.attnum = f.confkey[1]
			WHERE f.contype = 'f' AND c.relnamespace = 'public'::regnamespace`)
		for (const row of keys.rows) {
			tableOf(row.table).foreignKeys.push(`${row.from} -> ${row.target}.${row.to} ${row.rule}`)
		}
		return Object.fromEntries(Object.entries(tables).map(([name, table]) => [name, sorted(table)]))
	} finally {
		await client.end()
	}
}

function readDefault(expression: string): string {
	if (expression === 'CURRENT_TIMESTAMP') return 'now()'
	if (expression.startsWith('nextval(')) return 'autoincrement()'
	return expression.replace(/^'(.*)'::\w+$/, '$1')
}

function indexOf(prefix: string, columns: string): string {
	return (
		prefix +
		columns
			.split(',')
			.map((column) => column.trim())
			.join(',')
	)
}

function sorted(table: Table): Table {
	return { columns: table.columns.sort(), indexes: table.indexes.sort(), foreignKeys: table.foreignKeys.sort() }
}
