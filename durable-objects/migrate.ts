/** Which migrations an object has; the first mutating command creates it, a read never does. */
const CREATE_VERSION = `create table if not exists schema_version (one integer primary key check (one = 1), version integer not null)`
const SET_VERSION = `insert into schema_version (one, version) values (1, ?1) on conflict do update set version = ?1`
const SELECT_VERSION = `select version from schema_version`
const SELECT_IS_BORN = `select count(*) as count from sqlite_master where name = 'schema_version'`

/** False for an object that nothing was ever written to: its reads must not create anything. */
export function isBorn(sql: SqlStorage): boolean {
  return sql.exec<{ count: number }>(SELECT_IS_BORN).one().count > 0
}

/**
 * Brings an object of any age up to date. Migrations are append-only: one that was released is never changed. Call inside
 * `transactionSync`, so that a failing one leaves no half-made tables. Writes nothing when there is nothing to do.
 */
export function migrate(sql: SqlStorage, migrations: readonly string[]): void {
  const version = isBorn(sql) ? sql.exec<{ version: number }>(SELECT_VERSION).one().version : 0
  if (version === migrations.length) return
  sql.exec(CREATE_VERSION)
  for (const migration of migrations.slice(version)) sql.exec(migration)
  sql.exec(SET_VERSION, migrations.length)
}
