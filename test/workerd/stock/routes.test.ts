import { beforeAll, expect, test } from 'vitest'
import { type Answer, call, ROOT_KEY, staff, until } from '../../support/api.ts'

interface Page {
  items: { item: string }[]
  nextCursor: string | null
}

const movements = (item: string) => `/v1/admin/stock/${encodeURIComponent(item)}/movements`
const receive = (item: string, quantity: number, location = 'main') =>
  staff('POST', movements(item), { type: 'receive', location, quantity })

beforeAll(async () => {
  const stored = await staff('PUT', '/v1/admin/stores/default', { name: 'Default' })
  expect(stored.status).toBe(200)
})

test('goods that arrive can be read at once, with the ledger row that says so', async () => {
  const answer = await receive('BANK CHARGES', 5)
  expect(answer.status).toBe(201)
  expect(answer.body.movement).toMatchObject({ type: 'receive', quantity: 5, sequence: 1, actor: 'root' })
  expect(answer.body.movement.id).toMatch(/^mov_[0-9a-z]{26}$/)
  expect(answer.body.levels).toMatchObject({ item: 'BANK CHARGES', onHand: 5, available: 5 })
  const read = await staff('GET', '/v1/admin/stock/BANK%20CHARGES')
  expect(read.body).toMatchObject({
    onHand: 5,
    reserved: 0,
    allocated: 0,
    available: 5,
    positions: [{ location: 'main', lot: '', expiresAt: null, onHand: 5 }],
    policy: { backorderLimit: 0 },
  })
})

test('an item that nobody ever moved is unknown, and asking does not make it', async () => {
  for (const path of ['/v1/admin/stock/NOBODY', movements('NOBODY'), '/v1/admin/stock/NOBODY']) {
    expect(await staff('GET', path)).toMatchObject({ status: 404, body: { code: 'item_not_found' } })
  }
})

test('a movement at a location the store does not have is refused', async () => {
  expect(await receive('LOC', 1, 'nowhere')).toMatchObject({
    status: 404,
    body: { code: 'location_not_found' },
  })
})

test('the same key and body move goods once and answer the same; another body is refused', async () => {
  const body = { type: 'receive', location: 'main', quantity: 3 }
  const [first, second] = [
    await staff('POST', movements('ONCE'), body, { idempotencyKey: 'once' }),
    await staff('POST', movements('ONCE'), body, { idempotencyKey: 'once' }),
  ]
  expect(second.status).toBe(201)
  expect(second.body).toEqual(first.body)
  expect(second.headers.get('Idempotency-Replayed')).toBe('true')
  expect(first.headers.get('Idempotency-Replayed')).toBeNull()
  const other = await staff('POST', movements('ONCE'), { ...body, quantity: 4 }, { idempotencyKey: 'once' })
  expect(other).toMatchObject({ status: 422, body: { code: 'idempotency_key_reused' } })
  const missing = await call('POST', movements('ONCE'), { key: ROOT_KEY, body })
  expect(missing).toMatchObject({ status: 400, body: { code: 'idempotency_key_missing' } })
})

test('a refused movement is refused again with the same answer under the same key', async () => {
  const body = { type: 'adjust', location: 'main', quantity: -1, reason: 'lost' }
  const first = await staff('POST', movements('LOST'), body, { idempotencyKey: 'lost' })
  expect(first).toMatchObject({ status: 409, body: { code: 'stock_conflict', onHand: 0 } })
  await receive('LOST', 5)
  const second = await staff('POST', movements('LOST'), body, { idempotencyKey: 'lost' })
  expect(second.body).toEqual(first.body)
  expect(second.headers.get('Idempotency-Replayed')).toBe('true')
})

test('a count that expects another figure than it finds changes nothing and says what it found', async () => {
  await receive('COUNT', 8)
  const count = (expectedOnHand: number) =>
    staff('POST', movements('COUNT'), { type: 'count', location: 'main', quantity: 6, expectedOnHand })
  expect(await count(7)).toMatchObject({
    status: 409,
    body: { code: 'stock_conflict', expectedOnHand: 7, onHand: 8 },
  })
  expect(await count(8)).toMatchObject({ status: 201, body: { levels: { onHand: 6 } } })
})

test.each([
  [{ type: 'receive', location: 'main', quantity: 0 }],
  [{ type: 'receive', location: 'main', quantity: 2 ** 53 }],
  [{ type: 'receive', location: 'main', quantity: 1.5 }],
  [{ type: 'receive', location: 'main', quantity: 1, surprise: true }],
  [{ type: 'receive', location: 'main', quantity: 1, expiresAt: 'tomorrow' }],
  [{ type: 'receive', location: 'main', quantity: 1, lot: 'a\u0000b' }],
  [{ type: 'receive', location: 'main', quantity: 1, reference: '\ud800' }],
  [{ type: 'receive', quantity: 1 }],
  [{ type: 'adjust', location: 'main', quantity: -1 }],
  [{ type: 'adjust', location: 'main', quantity: 0, reason: 'lost' }],
  [{ type: 'count', location: 'main', quantity: -1 }],
  [{ type: 'steal', location: 'main', quantity: 1 }],
  [[]],
  [null],
])('a malformed movement is 400 and names the field: %j', async (body) => {
  const answer = await staff('POST', movements('BAD'), body)
  expect(answer).toMatchObject({ status: 400, body: { code: 'malformed_request' } })
  expect(answer.body.errors.length).toBeGreaterThan(0)
})

test.each(['a%00b', '%E0%A4%A', 'x'.repeat(65), '%20lead', '%ED%A0%80'])(
  'an item that cannot be one is no failure of ours: %s',
  async (item) => {
    const answer = await staff('GET', `/v1/admin/stock/${item}`)
    expect([400, 404]).toContain(answer.status)
  },
)

test('no key is 401 before the body is looked at', async () => {
  for (const [method, path] of [
    ['GET', '/v1/admin/stock'],
    ['GET', '/v1/admin/stock/A'],
    ['PUT', '/v1/admin/stock/A/policy'],
    ['POST', movements('A')],
    ['GET', movements('A')],
  ] as const) {
    const rawBody = method === 'GET' ? undefined : '{'
    expect((await call(method, path, { rawBody })).status).toBe(401)
  }
})

test('a policy is set whole, and the same again changes nothing', async () => {
  const set = (body: unknown) => staff('PUT', '/v1/admin/stock/POLICY/policy', body)
  const first = await set({ safetyStock: 2, backorderLimit: 5, availableOn: '2027-01-01T00:00:00Z' })
  expect(first).toMatchObject({
    status: 200,
    body: { safetyStock: 2, backorderLimit: 5, availableOn: '2027-01-01T00:00:00.000Z', saleEndsAt: null },
  })
  const again = await set({ safetyStock: 2, backorderLimit: 5, availableOn: '2027-01-01T00:00:00Z' })
  expect(again.body).toEqual(first.body)
  expect((await set({})).body).toMatchObject({ safetyStock: 0, backorderLimit: 0, availableOn: null })
})

test('the ledger pages newest first, no row skipped or repeated while more arrive', async () => {
  for (let i = 1; i <= 5; i++) await receive('LEDGER', i)
  const first = await staff('GET', `${movements('LEDGER')}?limit=2`)
  await receive('LEDGER', 6)
  const seen = [...first.body.items]
  expect(first.headers.get('Link')).toContain('rel="next"')
  for (let cursor = first.body.nextCursor; cursor; ) {
    const page = await staff('GET', `${movements('LEDGER')}?limit=2&cursor=${cursor}`)
    seen.push(...page.body.items)
    cursor = page.body.nextCursor
  }
  expect(seen.map(({ quantity }) => quantity)).toEqual([5, 4, 3, 2, 1])
  expect(await staff('GET', `${movements('LEDGER')}?cursor=zzz`)).toMatchObject({
    status: 400,
    body: { code: 'cursor_invalid' },
  })
})

test('the list follows the items, filtered by status and location, page by page', async () => {
  for (const item of ['LIST-A', 'LIST-B', 'LIST-C']) await receive(item, 50)
  const listed = async (query: string) => {
    const items: string[] = []
    for (let cursor: string | null = ''; cursor !== null; ) {
      const path: string = `/v1/admin/stock?limit=2${query}${cursor && `&cursor=${cursor}`}`
      const page: Answer<Page> = await staff('GET', path)
      expect(page.status).toBe(200)
      items.push(...page.body.items.map(({ item }) => item))
      cursor = page.body.nextCursor
    }
    return items.filter((item) => item.startsWith('LIST-'))
  }
  await until(
    () => listed(''),
    (items) => items.length === 3,
  )
  expect(await listed('')).toEqual(['LIST-A', 'LIST-B', 'LIST-C'])
  expect(await listed('&status=in_stock&location=main')).toEqual(['LIST-A', 'LIST-B', 'LIST-C'])
  expect(await listed('&status=out_of_stock')).toEqual([])
  expect(await listed('&location=elsewhere')).toEqual([])
  expect((await staff('GET', '/v1/admin/stock?status=gone')).status).toBe(400)
})

test('one store sees nothing of the stock of another', async () => {
  await staff('PUT', '/v1/admin/stores/other', { name: 'Other' })
  await receive('MINE', 5)
  const other = await staff('GET', '/v1/admin/stock/MINE', undefined, { store: 'other' })
  expect(other).toMatchObject({ status: 404, body: { code: 'item_not_found' } })
  const list = await staff('GET', '/v1/admin/stock', undefined, { store: 'other' })
  expect(list.body.items).toEqual([])
})
