import { env } from 'cloudflare:workers'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { testClock } from '../../../runtime/clock.ts'
import type { Movement } from '../../../schema/rpc/stock.ts'
import { staff, until } from '../../support/api.ts'
import { breakDatabase } from '../../support/faults.ts'
import { allEvents } from '../../support/shop.ts'
import { StockItem } from './stock-item.ts'

const movements = (item: string) => `/v1/admin/stock/${encodeURIComponent(item)}/movements`

/** All pages of an item's ledger, newest first. */
async function walk(item: string, limit: number): Promise<Movement[]> {
  const rows: Movement[] = []
  for (let cursor: string | null = ''; cursor !== null; ) {
    const page: { status: number; body: { items: Movement[]; nextCursor: string | null } } = await staff(
      'GET',
      `${movements(item)}?limit=${limit}${cursor && `&cursor=${cursor}`}`,
    )
    expect(page.status).toBe(200)
    // Only the last page may be short.
    if (page.body.nextCursor !== null) expect(page.body.items).toHaveLength(limit)
    rows.push(...page.body.items)
    cursor = page.body.nextCursor
  }
  return rows
}

describe('a ledger whose old rows have left the item', () => {
  // A space, a slash and letters beyond ASCII go into paths and subjects as they are.
  const stock = new StockItem('OLD / ÄÖ')
  const done: string[] = []

  beforeAll(async () => {
    for (let i = 1; i <= 220; i++) {
      await stock.receive(i)
      done.push(`receive ${i}`)
      // Every now and then all of it is held and given back, which crosses bands and back: events without a movement.
      if (i % 10 !== 0) continue
      const [onHand] = await stock.counts()
      testClock.advance(2_000)
      await stock.reserve(`p${i}`, onHand)
      await stock.release(`p${i}`)
      done.push(`reserve ${onHand}`, `release ${onHand}`)
    }
    await until(
      () => stock.rpc.audit(),
      (audit) => (audit?.prunedSequence ?? 0) >= 50,
      20_000,
    )
    const types = (await allEvents()).map(({ type }) => type)
    expect(types.filter((type) => type === 'stock.availability_changed').length).toBeGreaterThan(20)
  }, 60_000)
  afterAll(() => testClock.reset())

  test.each([1, 7, 50, 99, 100])(
    'is paged to its end, %i at a time, with no row skipped or repeated',
    async (limit) => {
      const rows = await walk(stock.item, limit)
      expect(rows.map(({ type, quantity }) => `${type} ${quantity}`).reverse()).toEqual(done)
      const sequences = rows.map(({ sequence }) => sequence)
      expect(sequences).toEqual([...new Set(sequences)].sort((a, b) => b - a))
    },
  )

  test('shows each movement as its event has it', async () => {
    const told = (await allEvents())
      .filter(({ subject, data }) => subject === `item:${stock.item}` && data.movement)
      .map(({ data }) => data.movement)
    expect((await walk(stock.item, 100)).reverse()).toEqual(told)
  })

  test('shows rows from before a member was there with null in it', async () => {
    const before = await env.EVENTS.prepare(
      `update events set data = json_remove(data, '$.movement.disposition', '$.movement.note')
       where subject = ?1 and sequence = 1`,
    )
      .bind(`item:${stock.item}`)
      .run()
    expect(before.meta.changes).toBe(1)
    expect((await walk(stock.item, 100)).at(-1)).toMatchObject({ sequence: 1, disposition: null, note: null })
  })

  test('is readable as far as the item has it while the log is down, and says so below', async () => {
    const mend = breakDatabase('EVENTS')
    try {
      const newest = await staff('GET', `${movements(stock.item)}?limit=20`)
      expect(newest.status).toBe(200)
      expect(newest.body.items).toHaveLength(20)
      const cursor = btoa(JSON.stringify([5])).replace(/=+$/, '')
      expect(await staff('GET', `${movements(stock.item)}?cursor=${cursor}`)).toMatchObject({
        status: 503,
        body: { code: 'unavailable' },
      })
    } finally {
      mend()
    }
  })

  test('has nothing of it for another store', async () => {
    await staff('PUT', '/v1/admin/stores/other', { name: 'Other' })
    const there = await staff('GET', movements(stock.item), undefined, { store: 'other' })
    expect(there).toMatchObject({ status: 404, body: { code: 'item_not_found' } })
  })
})

describe('a movement', () => {
  const move = (item: string, body: object, options = {}) => staff('POST', movements(item), body, options)

  test('keeps its reference, its note and who made it', async () => {
    const key = await staff('POST', '/v1/admin/api-keys', { name: 'warehouse', scopes: ['stock:write'] })
    const body = {
      type: 'receive',
      location: 'main',
      quantity: 4,
      lot: 'L1',
      reference: 'PO-1',
      note: 'two\nboxes',
    }
    const { body: moved } = await move('NOTED', body, { key: key.body.key })
    expect(moved.movement).toMatchObject({
      reference: 'PO-1',
      note: 'two\nboxes',
      actor: key.body.id,
      orderId: null,
      disposition: null,
    })
    expect((await walk('NOTED', 9))[0]).toEqual(moved.movement)
  })

  test('takes goods back on hand, or notes that they were thrown away', async () => {
    const orderId = `ord_${'0'.repeat(28)}`
    const back = { type: 'return', location: 'main', quantity: 2, orderId }
    expect(await move('BACK', back)).toMatchObject({
      status: 201,
      body: {
        movement: { type: 'return', disposition: 'restock', orderId },
        levels: { onHand: 2, available: 2 },
      },
    })
    expect(await move('BACK', { ...back, disposition: 'write_off', reason: 'damaged' })).toMatchObject({
      status: 201,
      body: {
        movement: { disposition: 'write_off', reason: 'damaged', deltas: [] },
        levels: { onHand: 2, available: 2 },
      },
    })
  })

  test('of every reason moves what it says', async () => {
    await move('REASONS', { type: 'receive', location: 'main', quantity: 100 })
    const reasons = ['damaged', 'lost', 'stolen', 'expired', 'correction', 'sample', 'quality_hold']
    for (const reason of reasons) {
      const moved = await move('REASONS', { type: 'adjust', location: 'main', quantity: -1, reason })
      expect(moved, reason).toMatchObject({ status: 201, body: { movement: { reason, quantity: -1 } } })
    }
    for (const reason of ['found', 'quality_release']) {
      const moved = await move('REASONS', { type: 'adjust', location: 'main', quantity: 1, reason })
      expect(moved, reason).toMatchObject({ status: 201, body: { movement: { reason, quantity: 1 } } })
    }
    const { body } = await staff('GET', '/v1/admin/stock/REASONS')
    expect(body.onHand).toBe(100 - reasons.length + 2)
  })

  const returned = { type: 'return', location: 'main', quantity: 1 }
  const receive = { type: 'receive', location: 'main', quantity: 1 }
  test.each([
    ['an order that cannot be one', { ...returned, orderId: 'ord_1' }],
    ['an order with too long an id', { ...returned, orderId: `ord_${'x'.repeat(29)}` }],
    ['an order that is no text', { ...returned, orderId: 7 }],
    ['a disposition of its own', { ...returned, disposition: 'burn' }],
    ['no goods', { ...returned, quantity: 0 }],
    ['a return that counts', { ...returned, expectedOnHand: 1 }],
    ['a receive of an order', { ...receive, orderId: `ord_${'0'.repeat(28)}` }],
    ['a receive that disposes', { ...receive, disposition: 'restock' }],
    ['a date that UTC has only in the year 10000', { ...receive, expiresAt: '9999-12-31T23:59:59-00:01' }],
    ['a date that UTC has before the year 0', { ...receive, expiresAt: '0000-01-01T00:00:00+00:01' }],
    ['too long a note', { ...receive, note: 'x'.repeat(501) }],
    ['a type that staff do not make', { ...receive, type: 'dispatch' }],
  ])('with %s is 400 and names the field', async (_, body) => {
    const answer = await move('BAD', body)
    expect(answer).toMatchObject({ status: 400, body: { code: 'malformed_request' } })
    expect(answer.body.errors.length).toBeGreaterThan(0)
    expect((await staff('GET', '/v1/admin/stock/BAD')).status).toBe(404)
  })
})

describe('a policy', () => {
  const set = (item: string, body: object) => staff('PUT', `/v1/admin/stock/${item}/policy`, body)

  test('keeps units of single positions safe, and shows those that it keeps', async () => {
    await staff('PUT', '/v1/admin/locations/annex', { priority: 3 })
    for (const location of ['main', 'annex'])
      await staff('POST', movements('SAFE'), { type: 'receive', location, quantity: 10 })
    const positions = [
      { location: 'annex', lot: '', safetyStock: 4 },
      { location: 'main', lot: 'L7', safetyStock: 2 },
      { location: 'main', lot: '', safetyStock: 0 },
    ]
    const answer = await set('SAFE', { safetyStock: 1, positions })
    expect(answer).toMatchObject({
      status: 200,
      // The lot that is not there yet keeps nothing safe.
      body: { safetyStock: 1, positions: positions.slice(0, 2), levels: { available: 15 } },
    })
    const read = await staff('GET', '/v1/admin/stock/SAFE')
    expect(read.body.policy).toEqual({ ...answer.body, levels: undefined })
    expect((await set('SAFE', {})).body).toMatchObject({ positions: [], levels: { available: 20 } })
  })

  test('takes the last instant that has four digits for its year, and can be set again as it was read', async () => {
    await set('FOUR-DIGITS', { availableOn: '9999-12-31T23:59:59.999Z' })
    const { policy } = (await staff('GET', '/v1/admin/stock/FOUR-DIGITS')).body
    expect(await set('FOUR-DIGITS', policy)).toMatchObject({ status: 200, body: policy })
  })

  test('for a location that the store does not have is refused, and changes nothing', async () => {
    await set('NOWHERE', { safetyStock: 3 })
    const positions = [
      { location: 'main', safetyStock: 1 },
      { location: 'nowhere', safetyStock: 1 },
    ]
    expect(await set('NOWHERE', { positions })).toMatchObject({
      status: 404,
      body: { code: 'location_not_found' },
    })
    expect((await staff('GET', '/v1/admin/stock/NOWHERE')).body.policy).toMatchObject({
      safetyStock: 3,
      positions: [],
    })
  })

  test.each([
    ['/saleEndsAt', { saleStartsAt: '2027-01-02T00:00:00Z', saleEndsAt: '2027-01-01T00:00:00Z' }],
    ['/saleEndsAt', { saleStartsAt: '2027-01-01T01:00:00+01:00', saleEndsAt: '2027-01-01T00:00:00Z' }],
    [
      '/positions/1',
      {
        positions: [
          { location: 'main', safetyStock: 1 },
          { location: 'main', lot: '', safetyStock: 2 },
        ],
      },
    ],
    ['/positions/0/safetyStock', { positions: [{ location: 'main', safetyStock: -1 }] }],
    ['/positions/0/location', { positions: [{ location: 'Main Street', safetyStock: 1 }] }],
    [
      '/positions',
      { positions: Array.from({ length: 101 }, (_, i) => ({ location: `l${i}`, safetyStock: 1 })) },
    ],
  ])('that is malformed is 400 at %s', async (path, body) => {
    const answer = await set('BAD-POLICY', body)
    expect(answer).toMatchObject({ status: 400, body: { code: 'malformed_request' } })
    expect(answer.body.errors.map((error: { path: string }) => error.path)).toContain(path)
  })
})
