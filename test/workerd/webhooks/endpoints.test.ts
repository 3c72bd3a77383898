import { listDurableObjectIds } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { beforeAll, describe, expect, test } from 'vitest'
import { ENDPOINTS_MAX } from '../../../worker/webhooks/create-endpoint.ts'
import { call, staff } from '../../support/api.ts'
import { newReceiver } from '../../support/receiver.ts'

const PATH = '/v1/webhook-endpoints'
const PUBLIC = 'https://partner.example.com/hooks'

async function create(body: object = {}, options: Parameters<typeof staff>[3] = {}) {
  return staff('POST', PATH, { url: PUBLIC, types: ['order.*'], ...body }, options)
}

async function keyOf(...scopes: string[]) {
  return (await staff('POST', '/v1/admin/api-keys', { name: 'partner', scopes })).body.key as string
}

beforeAll(async () => {
  await staff('PUT', '/v1/admin/stores/other', { name: 'Other' })
})

describe('registering', () => {
  test('answers the endpoint and its secret, which is never shown again', async () => {
    const { status, body, headers } = await create({ description: 'ERP' })
    expect(status).toBe(201)
    expect(headers.get('Location')).toBe(`${PATH}/${body.id}`)
    const { secret, ...endpoint } = body
    expect(secret).toMatch(/^whsec_[A-Za-z0-9+/]{32}$/)
    expect(endpoint).toEqual({
      id: expect.stringMatching(/^whe_[0-9a-z]{26}$/),
      url: PUBLIC,
      types: ['order.*'],
      description: 'ERP',
      status: 'enabled',
      disabledReason: null,
      createdAt: expect.stringMatching(/Z$/),
      position: expect.any(Number),
      pending: 0,
      dead: 0,
    })
    expect((await staff('GET', `${PATH}/${body.id}`)).body).toEqual(endpoint)
    const list = await staff('GET', `${PATH}?limit=100`)
    expect(list.body.items).toContainEqual(endpoint)
    expect(JSON.stringify(list.body)).not.toContain('whsec_')
  })

  test('is safe to repeat with its key: one endpoint, one answer', async () => {
    const idempotencyKey = crypto.randomUUID()
    const [first, ...others] = await Promise.all([1, 2, 3].map(() => create({}, { idempotencyKey })))
    for (const other of others) expect(other.body).toEqual(first!.body)
    const replay = await create({}, { idempotencyKey })
    expect([replay.status, replay.headers.get('Idempotency-Replayed')]).toEqual([201, 'true'])
    await staff('PATCH', `${PATH}/${first!.body.id}`, { description: 'changed since' })
    expect((await create({}, { idempotencyKey })).body).toEqual(first!.body)
    const reused = await create({ types: ['stock.*'] }, { idempotencyKey })
    expect([reused.status, reused.body.code]).toEqual([422, 'idempotency_key_reused'])
  })

  test('a repeat after the endpoint was deleted does not bring it back', async () => {
    const idempotencyKey = crypto.randomUUID()
    const { body } = await create({}, { idempotencyKey })
    await staff('DELETE', `${PATH}/${body.id}`)
    expect((await create({}, { idempotencyKey })).body).toEqual(body)
    expect((await staff('GET', `${PATH}/${body.id}`)).status).toBe(404)
  })

  test.each([
    [{ url: 'http://partner.example.com/' }, '/url'],
    [{ url: 'https://169.254.169.254/' }, '/url'],
    [{ url: 'https://metadata.google.internal/' }, '/url'],
    [{ url: 'not a url' }, '/url'],
    [{ url: '\ud800' }, '/url'],
    [{ url: '' }, '/url'],
    [{ url: 7 }, '/url'],
    [{ types: [] }, '/types'],
    [{ types: ['order'] }, '/types/0'],
    [{ types: ['order.*', 'ordr.placed'] }, '/types/1'],
    [{ types: ['nothing.*'] }, '/types/0'],
    [{ types: Array(51).fill('*') }, '/types'],
    [{ description: 'x'.repeat(501) }, '/description'],
    [{ description: '\u0000' }, '/description'],
    [{ from: -1 }, '/from'],
    [{ from: 1.5 }, '/from'],
    [{ from: 2 ** 60 }, '/from'],
    [{ surprise: 1 }, ''],
  ])('refuses %j', async (body, path) => {
    const answer = await create(body)
    expect([answer.status, answer.body.code]).toEqual([400, 'malformed_request'])
    expect(answer.body.errors[0].path).toBe(path)
  })

  test('a store has its maximum', async () => {
    await staff('PUT', '/v1/admin/stores/full', { name: 'Full' })
    const store = 'full'
    for (let i = 0; i < ENDPOINTS_MAX; i++) expect((await create({}, { store })).status).toBe(201)
    const { status, body } = await create({}, { store })
    expect([status, body.code, body.limit]).toEqual([409, 'endpoint_limit_reached', ENDPOINTS_MAX])
    const page = await staff('GET', `${PATH}?limit=30`, undefined, { store })
    const next = await staff('GET', `${PATH}?limit=30&cursor=${page.body.nextCursor}`, undefined, { store })
    expect(page.headers.get('Link')).toContain('rel="next"')
    const ids = [...page.body.items, ...next.body.items].map(({ id }: { id: string }) => id)
    expect([new Set(ids).size, next.body.nextCursor]).toEqual([ENDPOINTS_MAX, null])
  })
})

describe('changing', () => {
  test('what is absent stays', async () => {
    const { id } = (await create()).body
    const { status, body } = await staff('PATCH', `${PATH}/${id}`, { types: ['stock.*'] })
    expect([status, body.types, body.url]).toEqual([200, ['stock.*'], PUBLIC])
    const bad = await staff('PATCH', `${PATH}/${id}`, { url: 'https://10.0.0.1/' })
    expect([bad.status, bad.body.errors[0].path]).toEqual([400, '/url'])
    expect((await staff('PATCH', `${PATH}/${id}`, { secret: 'mine' })).status).toBe(400)
  })

  test('pausing and resuming are safe to repeat', async () => {
    const { id } = (await create()).body
    for (const _ of [1, 2]) expect((await staff('POST', `${PATH}/${id}/pause`)).body.status).toBe('paused')
    for (const _ of [1, 2]) expect((await staff('POST', `${PATH}/${id}/resume`)).body.status).toBe('enabled')
  })

  test('deleting is safe to repeat, and what is deleted is gone from every route', async () => {
    const { id } = (await create()).body
    for (const _ of [1, 2]) expect((await staff('DELETE', `${PATH}/${id}`)).status).toBe(204)
    const routes: [string, string, unknown?][] = [
      ['GET', ''],
      ['PATCH', '', {}],
      ['POST', '/pause'],
      ['POST', '/resume'],
      ['POST', '/test'],
      ['POST', '/secret-rotation'],
      ['POST', '/redeliveries', { state: 'dead' }],
      ['GET', '/deliveries'],
    ]
    for (const [method, path, body] of routes) {
      const answer = await staff(method, `${PATH}/${id}${path}`, body)
      expect([path, answer.status, answer.body.code]).toEqual([path, 404, 'webhook_endpoint_not_found'])
    }
  })

  test('a rotation is made once for a key', async () => {
    const { id, secret } = (await create()).body
    const idempotencyKey = crypto.randomUUID()
    const first = await staff('POST', `${PATH}/${id}/secret-rotation`, undefined, { idempotencyKey })
    const again = await staff('POST', `${PATH}/${id}/secret-rotation`, undefined, { idempotencyKey })
    expect(again.body).toEqual(first.body)
    expect(again.headers.get('Idempotency-Replayed')).toBe('true')
    expect(first.body.secret).not.toBe(secret)
  })

  test('a test event is sent once for a key, and says what came of it', async () => {
    const receiver = newReceiver()
    const { id } = (await create({ url: receiver.url })).body
    const idempotencyKey = crypto.randomUUID()
    const first = await staff('POST', `${PATH}/${id}/test`, undefined, { idempotencyKey })
    expect([first.status, first.body]).toEqual([
      200,
      expect.objectContaining({ status: 200, error: null, durationMs: expect.any(Number) }),
    ])
    const again = await staff('POST', `${PATH}/${id}/test`, undefined, { idempotencyKey })
    expect(again.body).toEqual(first.body)
    expect(await receiver.received()).toHaveLength(1)
  })

  test('a test whose first request still runs is not sent again', async () => {
    const receiver = newReceiver()
    await receiver.answerWith({ status: 200, delayMs: 500 })
    const { id } = (await create({ url: receiver.url })).body
    const idempotencyKey = crypto.randomUUID()
    const ask = () => staff('POST', `${PATH}/${id}/test`, undefined, { idempotencyKey })
    const [first, second] = await Promise.all([ask(), ask()])
    const running = first.status === 409 ? first : second
    expect([running.status, running.body.code]).toEqual([409, 'request_in_progress'])
    expect(running.headers.get('Retry-After')).toMatch(/^\d+$/)
    expect((await ask()).headers.get('Idempotency-Replayed')).toBe('true')
    expect(await receiver.received()).toHaveLength(1)
  })

  test.each([
    [{}, 400],
    [{ state: 'lost' }, 400],
    [{ since: 'yesterday' }, 400],
    [{ eventIds: [] }, 400],
    [{ eventIds: ['evt_unknown'] }, 202],
    [{ since: '2020-01-01T00:00:00Z', state: 'delivered' }, 202],
    [{ since: '2020-01-01T00:00:00+02:00' }, 202],
  ])('a redelivery of %j answers %i', async (body, status) => {
    const { id } = (await create()).body
    const answer = await staff('POST', `${PATH}/${id}/redeliveries`, body)
    expect(answer.status).toBe(status)
    if (status === 202) expect(answer.body).toEqual({ scheduled: 0, hasMore: false })
  })

  test('a body that is not JSON is refused, also where none is needed', async () => {
    const { id } = (await create()).body
    for (const path of ['/test', '/secret-rotation', '/redeliveries']) {
      const options = { rawBody: '{nope', headers: { 'Content-Type': 'application/json' } }
      const { status, body } = await staff('POST', `${PATH}/${id}${path}`, undefined, options)
      expect([path, status, body.code]).toEqual([path, 400, 'malformed_json'])
    }
  })
})

describe('who may', () => {
  test('a key without webhooks:write may nothing; without a key neither', async () => {
    const key = await keyOf('events:read', 'orders:read')
    expect((await call('GET', PATH)).status).toBe(401)
    expect((await call('POST', PATH, { key, rawBody: 'x' })).status).toBe(403)
  })

  test('another store’s endpoint is absent, and asking for one makes no object', async () => {
    const { id } = (await create()).body
    const other = { store: 'other' }
    const before = (await listDurableObjectIds(env.WEBHOOK_ENDPOINT)).length
    expect((await staff('GET', `${PATH}/${id}`, undefined, other)).status).toBe(404)
    expect((await staff('POST', `${PATH}/${id}/secret-rotation`, undefined, other)).status).toBe(404)
    expect((await staff('DELETE', `${PATH}/${id}`, undefined, other)).status).toBe(204)
    expect((await staff('GET', `${PATH}/${id}`)).status).toBe(200)
    expect(await listDurableObjectIds(env.WEBHOOK_ENDPOINT)).toHaveLength(before)
  })

  test('an endpoint hears only of what the key behind its address may read', async () => {
    const scopesOf = (id: string) =>
      env.CATALOGUE.prepare('select scopes from webhook_endpoints where id = ?')
        .bind(id)
        .first<string>('scopes')
    const narrow = await keyOf('webhooks:write', 'stock:read')
    const made = await create({ types: ['*'] }, { key: narrow })
    expect(JSON.parse((await scopesOf(made.body.id))!).sort()).toEqual(['stock:read', 'webhooks:write'])
    const { id } = (await create({ types: ['*'] })).body
    await staff('PATCH', `${PATH}/${id}`, { url: 'https://elsewhere.example.com/' }, { key: narrow })
    expect(JSON.parse((await scopesOf(id))!).sort()).toEqual(['stock:read', 'webhooks:write'])
  })
})
