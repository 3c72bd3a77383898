import { env } from 'cloudflare:workers'
import { beforeAll, expect, test } from 'vitest'
import { testClock } from '../../../runtime/clock.ts'
import { call, ROOT_KEY, staff } from '../../support/api.ts'

const make = (scopes: string[], options = {}) =>
  staff('POST', '/v1/admin/api-keys', { name: 'test', scopes }, options)

beforeAll(async () => {
  await staff('PUT', '/v1/admin/stores/other', {})
})

test('a key is shown once and is nowhere in the database', async () => {
  const made = await make(['keys:write'])
  expect(made.status).toBe(201)
  expect(made.body.key).toMatch(/^hf_[0-9a-z]{58}$/)
  const tables = await env.CATALOGUE.prepare(
    `SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' AND name NOT LIKE '_cf_%'`,
  ).all<{ name: string }>()
  const secret = made.body.key.slice(-32)
  for (const { name } of tables.results) {
    const rows = await env.CATALOGUE.prepare(`SELECT * FROM "${name}"`).all()
    expect(JSON.stringify(rows.results), name).not.toContain(secret)
  }
  const list = await call('GET', '/v1/admin/api-keys', { key: made.body.key })
  expect(list.body.items.map(({ id }: { id: string }) => id)).toContain(made.body.id)
  expect(JSON.stringify(list.body)).not.toContain(secret)
})

test('a repeated POST shows the same key, another body is refused', async () => {
  const idempotencyKey = 'make-it-once'
  const first = await make(['stock:read'], { idempotencyKey })
  const second = await make(['stock:read'], { idempotencyKey })
  expect(second.status).toBe(201)
  expect(second.body).toEqual(first.body)
  expect(second.headers.get('Idempotency-Replayed')).toBe('true')
  const other = await make(['stock:write'], { idempotencyKey })
  expect([other.status, other.body.code]).toEqual([422, 'idempotency_key_reused'])
})

test('two at once with one Idempotency-Key make one key', async () => {
  const idempotencyKey = 'raced'
  const answers = await Promise.all([1, 2, 3, 4].map(() => make(['stock:read'], { idempotencyKey })))
  expect(new Set(answers.map(({ body }) => body.key)).size).toBe(1)
})

test('after seven days the Idempotency-Key makes a new key', async () => {
  const idempotencyKey = 'a-week'
  const first = await make(['stock:read'], { idempotencyKey })
  testClock.advance(7 * 24 * 3600 * 1000 + 1)
  try {
    const second = await make(['stock:read'], { idempotencyKey })
    expect(second.status).toBe(201)
    expect(second.body.id).not.toBe(first.body.id)
  } finally {
    testClock.reset()
  }
})

test('a key works in its own store only', async () => {
  const made = await make(['keys:write'], { store: 'other' })
  expect((await call('GET', '/v1/admin/api-keys', { key: made.body.key, store: 'other' })).status).toBe(200)
  expect((await call('GET', '/v1/admin/api-keys', { key: made.body.key })).status).toBe(401)
  expect((await make(['keys:write'], { key: made.body.key })).status).toBe(401)
})

test('a key gives nobody a scope that it lacks', async () => {
  const { body } = await make(['keys:write', 'stock:write'])
  const refused = await make(['orders:read'], { key: body.key })
  expect([refused.status, refused.body.code]).toEqual([403, 'scope_missing'])
  expect((await make(['stock:read'], { key: body.key })).status).toBe(201)
})

test('a deleted key is refused at once, and deleting it again is fine', async () => {
  const { body } = await make(['keys:write'])
  expect((await call('GET', '/v1/admin/api-keys', { key: body.key })).status).toBe(200)
  for (const _ of [1, 2]) expect((await staff('DELETE', `/v1/admin/api-keys/${body.id}`)).status).toBe(204)
  expect((await call('GET', '/v1/admin/api-keys', { key: body.key })).status).toBe(401)
})

test('a key of the right id and a wrong secret is refused, and so is a changed root key', async () => {
  const { body } = await make(['keys:write'])
  const last = body.key.endsWith('0') ? '1' : '0'
  for (const wrong of [body.key.slice(0, -1) + last, `${body.key}0`, `${ROOT_KEY}x`, '', 'hf_']) {
    const answer = await call('GET', '/v1/admin/api-keys', { key: wrong || 'x' })
    expect(answer.status, wrong).toBe(401)
    expect(answer.headers.get('WWW-Authenticate')).toBe('Bearer')
  }
})

test('the list pages through every key once, newest first', async () => {
  const inStore = { store: 'other' }
  for (let i = 0; i < 5; i++) await make(['stock:read'], inStore)
  const ids: string[] = []
  let cursor = ''
  do {
    const page = await staff(
      'GET',
      `/v1/admin/api-keys?limit=2${cursor && `&cursor=${cursor}`}`,
      undefined,
      inStore,
    )
    ids.push(...page.body.items.map(({ id }: { id: string }) => id))
    cursor = page.body.nextCursor ?? ''
  } while (cursor)
  expect(new Set(ids).size).toBe(ids.length)
  expect(ids.length).toBeGreaterThanOrEqual(5)
})
