import type { Scope } from '../../schema/event-types.ts'

/** Every staff request with an API key: the key by its id, in this store only. Primary key. */
const SELECT_KEY = `SELECT id, scopes, key_hash FROM api_keys WHERE store = ?1 AND id = ?2`
/** A repeated POST: the key that the first one made. Index api_keys_replay. */
const SELECT_REPLAY = `SELECT id, name, scopes, key_hash, created_by, created_at, idempotency_fingerprint
  FROM api_keys WHERE store = ?1 AND idempotency_key = ?2`
/** POST after the stamp's seven days: frees it. Index api_keys_replay. */
const FORGET_STAMP = `UPDATE api_keys SET idempotency_key = NULL, idempotency_fingerprint = NULL
  WHERE store = ?1 AND idempotency_key = ?2 AND created_at < ?3`
/** POST: the new key, while the store has fewer than the maximum. Range of the primary key, bounded by that maximum. */
const INSERT_KEY = `INSERT INTO api_keys (store, id, name, scopes, key_hash, created_by, created_at,
    idempotency_key, idempotency_fingerprint)
  SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9
  WHERE (SELECT count(*) FROM api_keys WHERE store = ?1) < ?10
  ON CONFLICT DO NOTHING`
/** The staff's list, newest first. Primary key. */
const SELECT_PAGE = `SELECT id, name, scopes, key_hash, created_by, created_at FROM api_keys
  WHERE store = ?1 AND id < ?2 ORDER BY id DESC LIMIT ?3`
/** DELETE. Primary key. */
const DELETE_KEY = `DELETE FROM api_keys WHERE store = ?1 AND id = ?2`

export interface ApiKey {
  id: string
  name: string
  scopes: Scope[]
  keyHash: string
  createdBy: string
  createdAt: number
}

interface Row {
  id: string
  name: string
  scopes: string
  key_hash: string
  created_by: string
  created_at: number
}

export async function selectKey(
  db: D1Database,
  store: string,
  id: string,
): Promise<Pick<ApiKey, 'id' | 'scopes' | 'keyHash'> | null> {
  const row = await db.prepare(SELECT_KEY).bind(store, id).first<Pick<Row, 'id' | 'scopes' | 'key_hash'>>()
  return row && { id: row.id, scopes: JSON.parse(row.scopes), keyHash: row.key_hash }
}

export async function selectReplay(
  db: D1Database,
  store: string,
  stampKey: string,
): Promise<{ key: ApiKey; fingerprint: string } | null> {
  const row = await db
    .prepare(SELECT_REPLAY)
    .bind(store, stampKey)
    .first<Row & { idempotency_fingerprint: string }>()
  return row && { key: toApiKey(row), fingerprint: row.idempotency_fingerprint }
}

/** False when the store is full or another request with the same stamp came first. */
export async function insertKey(
  db: D1Database,
  store: string,
  key: ApiKey,
  stamp: { key: string; fingerprint: string } | null,
  stampedBefore: number,
  countMax: number,
): Promise<boolean> {
  const insert = db
    .prepare(INSERT_KEY)
    .bind(
      store,
      key.id,
      key.name,
      JSON.stringify(key.scopes),
      key.keyHash,
      key.createdBy,
      key.createdAt,
      stamp?.key ?? null,
      stamp?.fingerprint ?? null,
      countMax,
    )
  const statements = stamp
    ? [db.prepare(FORGET_STAMP).bind(store, stamp.key, stampedBefore), insert]
    : [insert]
  const results = await db.batch(statements)
  return results.at(-1)!.meta.changes > 0
}

/** `before` is the id after which (in time) nothing is wanted; keys come newest first. */
export async function selectKeyPage(
  db: D1Database,
  store: string,
  before: string,
  count: number,
): Promise<ApiKey[]> {
  const { results } = await db.prepare(SELECT_PAGE).bind(store, before, count).all<Row>()
  return results.map(toApiKey)
}

export async function deleteKey(db: D1Database, store: string, id: string): Promise<void> {
  await db.prepare(DELETE_KEY).bind(store, id).run()
}

function toApiKey(row: Row): ApiKey {
  return {
    id: row.id,
    name: row.name,
    scopes: JSON.parse(row.scopes),
    keyHash: row.key_hash,
    createdBy: row.created_by,
    createdAt: row.created_at,
  }
}
