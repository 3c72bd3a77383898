import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Miniflare } from 'miniflare'
import { unstable_splitSqlQuery as splitSql } from 'wrangler'
import { ROOT } from './settings.ts'
import { miniflareOptions } from './worker-options.ts'

/** The databases in the order of wrangler.toml; each has its folder `schema/{name in lower case}/migrations`. */
export const DATABASES = ['CATALOGUE', 'SEARCH', 'ORDERS', 'EVENTS'] as const
type Database = (typeof DATABASES)[number]

/** The table and the file names are wrangler's, so that `wrangler d1 migrations list --local` sees the same. */
const CREATE_TABLE =
  'CREATE TABLE IF NOT EXISTS d1_migrations(id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT UNIQUE, applied_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP NOT NULL)'

/**
 * Applies what is missing to the four local databases, before the worker runs: a runtime of its own with nothing but the
 * databases, so that no request and no alarm meets a half-made schema.
 */
export async function migrateLocal(stateDir: string): Promise<void> {
  const mark = join(stateDir, 'migrations.sha256')
  const wanted = hashOfMigrations()
  if (existsSync(mark) && readFileSync(mark, 'utf8') === wanted) return
  const mf = new Miniflare(
    miniflareOptions(stateDir, {
      name: 'migrations',
      modules: true,
      script: 'export default { fetch: () => new Response(null, { status: 404 }) }',
      compatibilityDate: '2026-01-01',
      d1Databases: Object.fromEntries(DATABASES.map((name) => [name, { id: name }])),
    }),
  )
  try {
    for (const database of DATABASES) await migrate(mf, database)
  } finally {
    await mf.dispose()
  }
  writeFileSync(mark, wanted)
}

async function migrate(mf: Miniflare, database: Database): Promise<void> {
  const d1 = await mf.getD1Database(database)
  await d1.prepare(CREATE_TABLE).run()
  const { results } = await d1.prepare('SELECT name FROM d1_migrations').all<{ name: string }>()
  const applied = new Set(results.map((row) => row.name))
  for (const name of migrationsOf(database).filter((file) => !applied.has(file))) {
    console.log(`migrating ${database}: ${name}`)
    const sql = readFileSync(join(folderOf(database), name), 'utf8')
    // One batch is one transaction: a migration is applied and noted, or neither.
    await d1.batch([
      ...splitSql(sql).map((statement) => d1.prepare(statement)),
      d1.prepare('INSERT INTO d1_migrations (name) VALUES (?1)').bind(name),
    ])
  }
}

export function folderOf(database: Database): string {
  return join(ROOT, 'schema', database.toLowerCase(), 'migrations')
}

export function migrationsOf(database: Database): string[] {
  if (!existsSync(folderOf(database))) return []
  return readdirSync(folderOf(database))
    .filter((name) => name.endsWith('.sql'))
    .sort()
}

function hashOfMigrations(): string {
  const hash = createHash('sha256')
  for (const database of DATABASES) {
    for (const name of migrationsOf(database)) {
      hash
        .update(`${database}/${name}\0`)
        .update(readFileSync(join(folderOf(database), name)))
        .update('\0')
    }
  }
  return hash.digest('hex')
}
