import { beforeAll, expect, test } from 'vitest'
import { call, staff, until } from '../../support/api.ts'

const path = (item: string, reference: string) =>
  `/v1/admin/stock/${encodeURIComponent(item)}/incoming/${encodeURIComponent(reference)}`
const expected = (item: string, reference: string, body: object) => staff('PUT', path(item, reference), body)
const levels = async (item: string) =>
  (await staff('GET', `/v1/admin/stock/${encodeURIComponent(item)}`)).body
const receive = (item: string, body: object) =>
  staff('POST', `/v1/admin/stock/${encodeURIComponent(item)}/movements`, { type: 'receive', ...body })

beforeAll(async () => {
  await staff('PUT', '/v1/admin/locations/annex', { priority: 1 })
})

test('what a supplier will bring is incoming, neither on hand nor available', async () => {
  const body = { location: 'main', quantity: 20, expectedAt: '2030-01-01T00:00:00Z' }
  const answer = await expected('NEW', 'PO 1/2', body)
  expect(answer).toMatchObject({
    status: 200,
    body: {
      reference: 'PO 1/2',
      location: 'main',
      lot: '',
      quantity: 20,
      expectedAt: '2030-01-01T00:00:00.000Z',
      levels: { onHand: 0, available: 0, incoming: 20 },
    },
  })
  expect(await levels('NEW')).toMatchObject({
    incoming: 20,
    arrivals: [
      {
        reference: 'PO 1/2',
        kind: 'supply',
        location: 'main',
        lot: '',
        quantity: 20,
        expectedAt: '2030-01-01T00:00:00.000Z',
        expiresAt: null,
      },
    ],
  })
})

test('a document that is set again replaces what it said, and the same again changes nothing', async () => {
  await expected('AGAIN', 'PO-1', { location: 'main', quantity: 20 })
  await expected('AGAIN', 'PO-2', { location: 'annex', quantity: 5, lot: 'L1' })
  const first = await expected('AGAIN', 'PO-1', { location: 'annex', quantity: 8 })
  const again = await expected('AGAIN', 'PO-1', { location: 'annex', quantity: 8 })
  expect(again.body).toEqual(first.body)
  expect(again.body.levels).toMatchObject({
    incoming: 13,
    arrivals: [{ reference: 'PO-1' }, { reference: 'PO-2' }],
  })
})

test('goods that are received under the reference are expected no more', async () => {
  await expected('COMES', 'PO-1', { location: 'main', quantity: 10 })
  const first = await receive('COMES', { location: 'main', quantity: 4, reference: 'PO-1' })
  expect(first.body.levels).toMatchObject({ onHand: 4, incoming: 6 })
  const elsewhere = await receive('COMES', { location: 'annex', quantity: 1, reference: 'PO-1' })
  expect(elsewhere.body.levels).toMatchObject({ onHand: 5, incoming: 6 })
  const rest = await receive('COMES', { location: 'main', quantity: 7, reference: 'PO-1' })
  expect(rest.body.levels).toMatchObject({ onHand: 12, incoming: 0, arrivals: [] })
})

test('a document can be taken away, also when it is not there', async () => {
  await expected('GOES', 'PO-1', { location: 'main', quantity: 10 })
  for (const reference of ['PO-1', 'PO-1', 'never'])
    expect((await staff('DELETE', path('GOES', reference))).status).toBe(204)
  expect(await levels('GOES')).toMatchObject({ incoming: 0, arrivals: [] })
})

test('taking one away from an item that nobody knows leaves it unknown', async () => {
  expect((await staff('DELETE', path('NOBODY', 'PO-1'))).status).toBe(204)
  expect((await staff('GET', '/v1/admin/stock/NOBODY')).status).toBe(404)
})

test('the list shows what is incoming', async () => {
  await expected('LISTED', 'PO-1', { location: 'main', quantity: 9 })
  const page = await until(
    () => staff('GET', '/v1/admin/stock?limit=100'),
    ({ body }) => body.items.some(({ item }: { item: string }) => item === 'LISTED'),
  )
  expect(page.body.items).toContainEqual(expect.objectContaining({ item: 'LISTED', incoming: 9 }))
})

test('goods for a location that the store does not have are refused', async () => {
  expect(await expected('LOC', 'PO-1', { location: 'nowhere', quantity: 1 })).toMatchObject({
    status: 404,
    body: { code: 'location_not_found' },
  })
  expect((await staff('GET', '/v1/admin/stock/LOC')).status).toBe(404)
})

test.each([
  ['PO-1', {}],
  ['PO-1', { location: 'main', quantity: 0 }],
  ['PO-1', { location: 'main', quantity: 1.5 }],
  ['PO-1', { location: 'main', quantity: 1, expectedAt: 'soon' }],
  ['PO-1', { location: 'main', quantity: 1, kind: 'transfer' }],
  ['trf_00000000000000000000000000', { location: 'main', quantity: 1 }],
  ['x'.repeat(101), { location: 'main', quantity: 1 }],
  [' PO', { location: 'main', quantity: 1 }],
  ['PO\u0000', { location: 'main', quantity: 1 }],
])('%j with %j is malformed', async (reference, body) => {
  expect(await expected('BAD', reference, body)).toMatchObject({
    status: 400,
    body: { code: 'malformed_request' },
  })
})

test('an item has so many arrivals and no more, and those it has can still change', async () => {
  for (let i = 0; i < 100; i++) await expected('MANY', `PO-${i}`, { location: 'main', quantity: 1 })
  expect(await expected('MANY', 'PO-100', { location: 'main', quantity: 1 })).toMatchObject({
    status: 409,
    body: { code: 'stock_conflict', limit: 100 },
  })
  expect((await expected('MANY', 'PO-7', { location: 'main', quantity: 3 })).body.levels.incoming).toBe(102)
})

test('it takes stock:write, and the store of the key', async () => {
  const reader = await staff('POST', '/v1/admin/api-keys', { name: 'reader', scopes: ['stock:read'] })
  for (const method of ['PUT', 'DELETE']) {
    const body = method === 'PUT' ? { body: { location: 'main', quantity: 1 } } : {}
    expect((await call(method, path('SCOPE', 'PO-1'), { ...body, key: reader.body.key })).status).toBe(403)
    expect((await call(method, path('SCOPE', 'PO-1'), body)).status).toBe(401)
  }
})
