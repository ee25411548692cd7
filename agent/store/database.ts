import { chmodSync } from 'node:fs'
import { DatabaseSync, type StatementSync } from 'node:sqlite'
import { LatticeError } from '../protocol/index.ts'

/**
 * One step a version; `user_version` says which have run. A step never changes once released.
 * JSON columns hold protocol types; columns named `sealed_*` hold AES-256-GCM text (agent/identity, Keyring).
 */
const MIGRATIONS = [
	`
	CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
	CREATE TABLE command (
		id TEXT PRIMARY KEY,
		kind TEXT NOT NULL,
		workload_id TEXT NOT NULL,
		subject TEXT NOT NULL,
		digest TEXT NOT NULL,
		outcome TEXT,
		accepted_at INTEGER NOT NULL,
		settled_at INTEGER
	) STRICT;
	CREATE INDEX command_open ON command (workload_id) WHERE settled_at IS NULL;
	CREATE TABLE used_grant (jti TEXT PRIMARY KEY, expires_at INTEGER NOT NULL) STRICT, WITHOUT ROWID;
	CREATE TABLE assignment (
		workload_id TEXT PRIMARY KEY,
		name TEXT NOT NULL,
		type TEXT NOT NULL,
		owner TEXT NOT NULL,
		command_id TEXT NOT NULL,
		claim TEXT NOT NULL,
		generation INTEGER NOT NULL,
		desired TEXT NOT NULL CHECK (desired IN ('running', 'stopped', 'deleted')),
		keep_volumes INTEGER NOT NULL DEFAULT 0,
		restart_nonce TEXT,
		sealed_config TEXT NOT NULL,
		sealed_secrets TEXT NOT NULL,
		placement TEXT NOT NULL,
		memory_bytes INTEGER NOT NULL,
		cpus REAL NOT NULL,
		created_at INTEGER NOT NULL,
		updated_at INTEGER NOT NULL,
		revision INTEGER NOT NULL
	) STRICT;
	CREATE UNIQUE INDEX assignment_name ON assignment (owner, name) WHERE desired <> 'deleted';
	CREATE TABLE replica (
		workload_id TEXT NOT NULL REFERENCES assignment ON DELETE CASCADE,
		idx INTEGER NOT NULL,
		phase TEXT NOT NULL,
		status TEXT NOT NULL,
		reason TEXT,
		error TEXT,
		container_id TEXT,
		restart_nonce TEXT,
		ports TEXT NOT NULL,
		settled_once INTEGER NOT NULL DEFAULT 0,
		restarts INTEGER NOT NULL DEFAULT 0,
		started_at TEXT,
		exit_code INTEGER,
		PRIMARY KEY (workload_id, idx)
	) STRICT, WITHOUT ROWID;
	CREATE TABLE event (
		seq INTEGER PRIMARY KEY AUTOINCREMENT,
		workload_id TEXT NOT NULL,
		body TEXT NOT NULL
	) STRICT;
	CREATE INDEX event_workload ON event (workload_id, seq);
	CREATE TABLE tombstone (workload_id TEXT PRIMARY KEY, at INTEGER NOT NULL) STRICT;
	CREATE TABLE claim (
		owner TEXT NOT NULL,
		name TEXT NOT NULL,
		command_id TEXT NOT NULL,
		workload_id TEXT NOT NULL,
		token TEXT NOT NULL,
		at INTEGER NOT NULL,
		PRIMARY KEY (owner, name)
	) STRICT, WITHOUT ROWID;
	`,
	`
	ALTER TABLE claim ADD COLUMN entry TEXT NOT NULL DEFAULT '';
	ALTER TABLE assignment ADD COLUMN placed INTEGER NOT NULL DEFAULT 0;
	`,
	`
	DROP TABLE claim;
	CREATE TABLE claim (
		owner TEXT NOT NULL,
		name TEXT NOT NULL,
		command_id TEXT NOT NULL,
		workload_id TEXT NOT NULL,
		token TEXT NOT NULL,
		decision TEXT NOT NULL,
		generation INTEGER NOT NULL,
		placement TEXT NOT NULL,
		attempt TEXT NOT NULL,
		shared INTEGER NOT NULL,
		signed_at INTEGER NOT NULL,
		PRIMARY KEY (owner, name)
	) STRICT, WITHOUT ROWID;
	CREATE TABLE refused_decision (id TEXT PRIMARY KEY, error TEXT NOT NULL, refused_at INTEGER NOT NULL) STRICT, WITHOUT ROWID;
	`,
	`
	CREATE TABLE gateway_port (
		workload_id TEXT NOT NULL,
		container INTEGER NOT NULL,
		protocol TEXT NOT NULL,
		port INTEGER NOT NULL UNIQUE,
		gone_since INTEGER,
		PRIMARY KEY (workload_id, container)
	) STRICT, WITHOUT ROWID;
	`,
	`
	CREATE TABLE acme_account (directory TEXT PRIMARY KEY, sealed_key TEXT NOT NULL) STRICT, WITHOUT ROWID;
	CREATE TABLE gateway_certificate (
		name TEXT PRIMARY KEY,
		owner TEXT NOT NULL,
		chain TEXT,
		sealed_key TEXT,
		failures INTEGER NOT NULL,
		ordered_at INTEGER NOT NULL,
		reason TEXT
	) STRICT, WITHOUT ROWID;
	`,
]

/**
 * Numbers that a power cut may take back: the write-ahead log reaches the disk at least every 1,000 pages, and a number
 * needs a page.
 */
const LOSABLE_NUMBERS = 10_000

/** The agent's small durable state. WAL with synchronous=FULL: what was answered as accepted survives a power cut. */
export class Database {
	readonly sql: DatabaseSync
	readonly #statements = new Map<string, StatementSync>()
	#depth = 0

	constructor(path: string) {
		this.sql = new DatabaseSync(path)
		if (path !== ':memory:') chmodSync(path, 0o600)
		try {
			this.sql.exec(
				'PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA busy_timeout = 5000',
			)
			this.#migrate()
			this.#leap()
		} catch (error) {
			this.sql.close()
			throw storeError(error, path)
		}
	}

	#migrate(): void {
		const { user_version } = this.sql.prepare('PRAGMA user_version').get() as { user_version: number }
		if (user_version > MIGRATIONS.length) {
			throw new LatticeError(
				'INTERNAL',
				`The agent's store was written by a newer version of Lattice (schema ${user_version}, this one knows ${MIGRATIONS.length}); run that version or a newer one.`,
			)
		}
		for (const [index, step] of MIGRATIONS.entries()) {
			if (index < user_version) continue
			this.transaction(() => {
				this.sql.exec(step)
				this.sql.exec(`PRAGMA user_version = ${index + 1}`)
			})
		}
	}

	/** Others hold numbers of ours that a power cut took back here; what is new must not look older than that. */
	#leap(): void {
		this.transaction(() => {
			this.prepare("UPDATE meta SET value = CAST(value AS INTEGER) + ? WHERE key = 'counter:revision'").run(
				LOSABLE_NUMBERS,
			)
			this.prepare("UPDATE sqlite_sequence SET seq = seq + ? WHERE name = 'event'").run(LOSABLE_NUMBERS)
		})
	}

	/** Compiled once: most are asked for many times in the life of one order. */
	prepare(text: string): StatementSync {
		let statement = this.#statements.get(text)
		if (!statement) {
			statement = this.sql.prepare(text)
			this.#statements.set(text, statement)
		}
		return statement
	}

	/** All or nothing; a nested call joins the outer one. `work` is synchronous: no other command runs between. */
	transaction<T>(work: () => T): T {
		if (this.#depth > 0) return work()
		this.sql.exec('BEGIN IMMEDIATE')
		this.#depth = 1
		try {
			const value = work()
			this.sql.exec('COMMIT')
			return value
		} catch (error) {
			// When the disk is full or fails, SQLite has undone it already.
			if (this.sql.isTransaction) this.sql.exec('ROLLBACK')
			throw storeError(error)
		} finally {
			this.#depth = 0
		}
	}

	/**
	 * As `transaction`, but does not wait for the disk (2.5 ms here, and more where others write). Killing the agent loses
	 * nothing of it; a power cut may lose the last of it. For what the next pass finds out again from the engine, or what
	 * matters only together with a later `transaction`, which takes it to the disk as well.
	 */
	progress<T>(work: () => T): T {
		if (this.#depth > 0) return work()
		this.sql.exec('PRAGMA synchronous = NORMAL')
		try {
			return this.transaction(work)
		} finally {
			this.sql.exec('PRAGMA synchronous = FULL')
		}
	}

	/** A counter that grows with each call and never goes back, also over restarts. */
	next(counter: string): number {
		const row = this.prepare(
			`INSERT INTO meta (key, value) VALUES (?, '1')
				 ON CONFLICT (key) DO UPDATE SET value = CAST(value AS INTEGER) + 1 RETURNING value`,
		).get(`counter:${counter}`) as { value: string }
		return Number(row.value)
	}

	/** The counter goes on from there at least. */
	raise(counter: string, value: number): void {
		this.prepare(
			`INSERT INTO meta (key, value) VALUES (?, ?)
				 ON CONFLICT (key) DO UPDATE SET value = max(CAST(value AS INTEGER), CAST(excluded.value AS INTEGER))`,
		).run(`counter:${counter}`, String(value))
	}

	close(): void {
		this.sql.close()
	}
}

/** Primary result codes, sqlite.org/rescode.html */
const SQLITE_CORRUPT = 11
const SQLITE_FULL = 13
const SQLITE_NOTADB = 26

/** What a person can do something about; anything else stays as it is. */
function storeError(thrown: unknown, path = "the agent's store"): unknown {
	if (!(thrown instanceof Error && 'errcode' in thrown)) return thrown
	const code = Number(thrown.errcode) & 0xff
	if (code === SQLITE_FULL) {
		return new LatticeError(
			'DISK_FULL',
			"The disk has no room for the agent's store; make room on that machine and give the order again.",
			{},
			{ cause: thrown },
		)
	}
	if (code !== SQLITE_CORRUPT && code !== SQLITE_NOTADB) return thrown
	return new LatticeError(
		'INTERNAL',
		`${path} is damaged (${thrown.message}); put back a copy of it, or join again with a new invite and a new --home.`,
		{},
		{ cause: thrown },
	)
}
