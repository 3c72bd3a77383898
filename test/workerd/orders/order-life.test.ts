import { exports } from 'cloudflare:workers'
import { beforeEach, describe, expect, test } from 'vitest'
import { parseOrderId } from '../../../schema/ids.ts'
import { staff, until } from '../../support/api.ts'
import { allEvents, bySubject, checkout, readyCart, received, stocked } from '../../support/shop.ts'

const STORE = { slug: 'default', jurisdiction: null, region: null }
const EUR = (amount: number) => ({ amount, currency: 'EUR' })

let sku = ''
beforeEach(async () => {
  sku = `SKU-${crypto.randomUUID().slice(0, 8)}`
  await stocked(sku, 5)
})

async function place(lines: { sku: string; quantity: number }[]) {
  const { body: cart } = await readyCart(lines)
  const placed = await checkout(cart.id)
  expect(placed.status, JSON.stringify(placed.body)).toBe(201)
  return placed.body
}

const act = (id: string, what: string, body?: unknown, options: object = {}) =>
  staff('POST', `/v1/admin/orders/${id}/${what}`, body, options)
const read = async (id: string) => (await staff('GET', `/v1/admin/orders/${id}`)).body
const stock = async (item = sku) => (await staff('GET', `/v1/admin/stock/${item}`)).body
const runEffects = (id: string) => exports.Background.runEffects(STORE, parseOrderId(id)!)
const eventsOf = async (id: string) => bySubject(await allEvents()).get(`order:${id}`) ?? []

describe('shipping', () => {
  test('in parts takes the goods from stock, says from where, and completes a paid order', async () => {
    const { id } = await place([{ sku, quantity: 3 }])
    const tracking = { carrier: 'DHL', number: 'SECRET-4711', url: 'https://dhl.example/SECRET-4711' }
    const one = await act(id, 'fulfillments', { lines: [{ lineId: 'line_1', quantity: 1 }], tracking })
    expect(one.status, JSON.stringify(one.body)).toBe(201)
    expect(one.body).toMatchObject({
      status: 'placed',
      fulfillmentStatus: 'partially_fulfilled',
      lines: [{ quantity: 3, fulfilled: 1 }],
      fulfillments: [
        {
          lines: [{ lineId: 'line_1', quantity: 1 }],
          tracking,
          positions: [{ item: sku, location: 'main', lot: '', quantity: 1 }],
          deliveredAt: null,
        },
      ],
    })
    expect(await stock()).toMatchObject({ onHand: 4, allocated: 2, available: 2 })
    const two = await act(id, 'fulfillments')
    expect(two.body).toMatchObject({ status: 'completed', fulfillmentStatus: 'fulfilled' })
    expect(await stock()).toMatchObject({ onHand: 2, allocated: 0 })
    const fulfillmentId = two.body.fulfillments[1].id
    const delivered = await act(id, `fulfillments/${fulfillmentId}/delivery`)
    expect(delivered.status).toBe(200)
    expect(delivered.body.fulfillments[1].deliveredAt).not.toBeNull()
    const again = await act(id, `fulfillments/${fulfillmentId}/delivery`)
    expect([again.status, again.body.code]).toEqual([409, 'order_state_conflict'])
    const more = await act(id, 'fulfillments')
    expect([more.status, more.body.code]).toEqual([409, 'order_state_conflict'])
    const events = await until(
      () => eventsOf(id),
      (all) => all.length === 5,
    )
    expect(events.map(({ type }) => type)).toEqual([
      'order.placed',
      'order.paid',
      'order.fulfilled',
      'order.fulfilled',
      'order.delivered',
    ])
    expect(JSON.stringify(events)).not.toContain('SECRET-4711')
    expect((await read(id)).timeline.map(({ what, actor }: any) => `${what} ${actor}`)).toEqual([
      'placed customer',
      'fulfill root',
      'fulfill root',
      'deliver root',
    ])
  })

  test('under one key happens once and is answered the same', async () => {
    const { id } = await place([{ sku, quantity: 2 }])
    const options = { idempotencyKey: crypto.randomUUID() }
    const body = { lines: [{ lineId: 'line_1', quantity: 1 }] }
    const first = await act(id, 'fulfillments', body, options)
    const again = await act(id, 'fulfillments', body, options)
    expect([again.status, again.body]).toEqual([201, first.body])
    expect(again.headers.get('Idempotency-Replayed')).toBe('true')
    expect(await stock()).toMatchObject({ onHand: 4, allocated: 1 })
    const other = await act(id, 'fulfillments', { lines: [{ lineId: 'line_1', quantity: 2 }] }, options)
    expect([other.status, other.body.code]).toEqual([422, 'idempotency_key_reused'])
  })

  test('of goods that are not on hand there is refused whole, and nothing has left', async () => {
    const other = `${sku}-B`
    await stocked(other, 1)
    const { id } = await place([
      { sku, quantity: 1 },
      { sku: other, quantity: 1 },
    ])
    await staff('PUT', '/v1/admin/locations/annex', { name: 'Annex', priority: 5 })
    const away = await act(id, 'fulfillments', { location: 'annex' })
    expect([away.status, away.body.code]).toEqual([409, 'stock_conflict'])
    expect(away.body.items).toHaveLength(2)
    await staff('POST', `/v1/admin/stock/${other}/movements`, {
      type: 'adjust',
      reason: 'lost',
      location: 'main',
      quantity: -1,
    })
    const refused = await act(id, 'fulfillments')
    expect([refused.status, refused.body.code]).toEqual([409, 'stock_conflict'])
    expect(refused.body.items).toEqual([{ item: other, requested: 1, onHand: 0 }])
    expect(await stock()).toMatchObject({ onHand: 5, allocated: 1 })
    expect((await read(id)).fulfillments).toEqual([])
    const nowhere = await act(id, 'fulfillments', { location: 'nowhere' })
    expect([nowhere.status, nowhere.body.code]).toEqual([404, 'location_not_found'])
    await received(other, 1)
    expect((await act(id, 'fulfillments')).status).toBe(201)
  })

  test.each([
    [{ lines: [] }, 400],
    [{ lines: [{ lineId: 'line_1', quantity: 0 }] }, 400],
    [
      {
        lines: [
          { lineId: 'line_1', quantity: 1 },
          { lineId: 'line_1', quantity: 1 },
        ],
      },
      400,
    ],
    [{ lines: [{ lineId: 'x', quantity: 1 }] }, 400],
    [{ lines: [{ lineId: 'line_9', quantity: 1 }] }, 409],
    [{ lines: [{ lineId: 'line_1', quantity: 3 }] }, 409],
    [{ tracking: { url: 'javascript:alert(1)' } }, 400],
    [{ surprise: true }, 400],
  ])('with the body %j is refused with %i', async (body, status) => {
    const { id } = await place([{ sku, quantity: 2 }])
    expect((await act(id, 'fulfillments', body)).status).toBe(status)
    expect((await stock()).allocated).toBe(2)
  })
})

describe('a cancellation of lines', () => {
  test('gives back the stock and the price of just these, and the last one gives back the shipping', async () => {
    const other = `${sku}-B`
    await stocked(other, 5, 333)
    const { id } = await place([
      { sku, quantity: 2 },
      { sku: other, quantity: 3 },
    ])
    const part = await act(id, 'cancellation', { lines: [{ lineId: 'line_2', quantity: 1 }], reason: 'torn' })
    expect(part.status, JSON.stringify(part.body)).toBe(200)
    expect(part.body).toMatchObject({
      status: 'placed',
      lines: [{ cancelled: 0 }, { quantity: 3, cancelled: 1, credited: 1 }],
      refunds: [{ amount: EUR(333), status: 'pending', reason: 'torn' }],
      cancellation: null,
    })
    expect((await stock(other)).allocated).toBe(2)
    await runEffects(id)
    expect(await read(id)).toMatchObject({
      paymentStatus: 'partially_refunded',
      refunds: [{ status: 'succeeded' }],
      payments: [{ status: 'partially_refunded', captured: EUR(2999), refunded: EUR(333) }],
    })
    const rest = await act(id, 'cancellation')
    expect(rest.body).toMatchObject({ status: 'cancelled', cancellation: { reason: null } })
    await runEffects(id)
    expect(await read(id)).toMatchObject({
      paymentStatus: 'refunded',
      payments: [{ refunded: EUR(2999) }],
      refunds: [{ amount: EUR(333) }, { amount: EUR(2666) }],
    })
    expect([(await stock()).allocated, (await stock(other)).allocated]).toEqual([0, 0])
    const events = await until(
      () => eventsOf(id),
      (all) => all.length === 6,
    )
    expect(events.map(({ type }) => type)).toEqual([
      'order.placed',
      'order.paid',
      'order.edited',
      'order.refunded',
      'order.cancelled',
      'order.refunded',
    ])
    expect(JSON.stringify(events)).not.toContain('torn')
  })

  test('after a part was shipped cancels what is left, and the order is completed', async () => {
    const { id } = await place([{ sku, quantity: 3 }])
    await act(id, 'fulfillments', { lines: [{ lineId: 'line_1', quantity: 2 }] })
    const rest = await act(id, 'cancellation')
    expect(rest.body).toMatchObject({ status: 'completed', fulfillmentStatus: 'fulfilled' })
    expect(rest.body.refunds).toMatchObject([{ amount: EUR(1000) }])
    expect(await stock()).toMatchObject({ onHand: 3, allocated: 0, available: 3 })
  })
})

describe('a refund', () => {
  test('is of an amount, of units, or of all that is left, and never of more', async () => {
    const { id } = await place([{ sku, quantity: 2 }])
    const some = await act(id, 'refunds', { amount: EUR(300), reason: 'late' })
    expect(some.status, JSON.stringify(some.body)).toBe(201)
    expect(some.body.refunds).toMatchObject([{ amount: EUR(300), status: 'pending', reason: 'late' }])
    const unit = await act(id, 'refunds', { lines: [{ lineId: 'line_1', quantity: 1 }] })
    expect(unit.body.refunds[1].amount).toEqual(EUR(1000))
    const tooMuch = await act(id, 'refunds', { amount: EUR(701) })
    expect([tooMuch.status, tooMuch.body.code]).toEqual([409, 'order_state_conflict'])
    expect(tooMuch.body.refundable).toEqual(EUR(700))
    const otherMoney = await act(id, 'refunds', { amount: { amount: 1, currency: 'USD' } })
    expect([otherMoney.status, otherMoney.body.currency]).toEqual([409, 'EUR'])
    const rest = await act(id, 'refunds')
    expect(rest.body.refunds[2].amount).toEqual(EUR(700))
    await runEffects(id)
    expect(await read(id)).toMatchObject({
      paymentStatus: 'refunded',
      payments: [{ captured: EUR(2000), refunded: EUR(2000), status: 'refunded' }],
    })
    expect((await act(id, 'refunds')).status).toBe(409)
    expect((await stock()).allocated).toBe(2)
  })

  test.each([
    { amount: EUR(0) },
    { amount: EUR(-1) },
    { amount: EUR(1.5) },
    { amount: EUR(1), lines: [{ lineId: 'line_1', quantity: 1 }] },
  ])('with the body %j is malformed', async (body) => {
    const { id } = await place([{ sku, quantity: 1 }])
    expect((await act(id, 'refunds', body)).status).toBe(400)
  })
})

describe('a return', () => {
  test('is agreed, taken in by line, put back or written off, and refunded', async () => {
    const { id } = await place([{ sku, quantity: 3 }])
    const early = await act(id, 'returns', { lines: [{ lineId: 'line_1', quantity: 1 }] })
    expect([early.status, early.body.code]).toEqual([409, 'order_state_conflict'])
    await act(id, 'fulfillments')
    const agreed = await act(id, 'returns', { lines: [{ lineId: 'line_1', quantity: 3, reason: 'too big' }] })
    expect(agreed.status, JSON.stringify(agreed.body)).toBe(201)
    const [back] = agreed.body.returns
    expect(back).toMatchObject({ status: 'requested', refund: true, receivedAt: null })
    const twice = await act(id, 'returns', { lines: [{ lineId: 'line_1', quantity: 1 }] })
    expect(twice.status).toBe(409)
    const options = { idempotencyKey: crypto.randomUUID() }
    const lines = [
      { lineId: 'line_1', quantity: 1, disposition: 'restock', location: 'main' },
      { lineId: 'line_1', quantity: 1, disposition: 'write_off' },
    ]
    const came = await act(id, `returns/${back.id}/receipt`, { lines }, options)
    expect(came.status, JSON.stringify(came.body)).toBe(200)
    expect(came.body).toMatchObject({
      lines: [{ fulfilled: 3, returned: 2, credited: 2 }],
      returns: [{ status: 'received', lines: [{ quantity: 3, restocked: 1, writtenOff: 1 }] }],
      refunds: [{ amount: EUR(2000), reason: 'too big' }],
      fulfillmentStatus: 'fulfilled',
    })
    expect(await stock()).toMatchObject({ onHand: 3, available: 3 })
    const again = await act(id, `returns/${back.id}/receipt`, { lines }, options)
    expect([again.status, again.body]).toEqual([200, came.body])
    expect((await stock()).onHand).toBe(3)
    const other = await act(id, `returns/${back.id}/receipt`, { lines })
    expect([other.status, other.body.code]).toEqual([409, 'order_state_conflict'])
    await runEffects(id)
    expect((await read(id)).paymentStatus).toBe('partially_refunded')
    const last = await act(id, 'returns', {
      lines: [{ lineId: 'line_1', quantity: 1, disposition: 'restock', location: 'main' }],
      refund: false,
    })
    expect(last.body).toMatchObject({ fulfillmentStatus: 'returned', lines: [{ returned: 3, credited: 2 }] })
    expect(last.body.refunds).toHaveLength(1)
    expect((await stock()).onHand).toBe(4)
    const movements = (await staff('GET', `/v1/admin/stock/${sku}/movements`)).body.items
    expect(movements.filter(({ type }: any) => type === 'return').map(({ orderId }: any) => orderId)).toEqual(
      [id, id, id],
    )
    const events = await until(
      () => eventsOf(id),
      (all) => all.length === 6,
    )
    expect(events.map(({ type }) => type).slice(3)).toEqual([
      'order.returned',
      'order.refunded',
      'order.returned',
    ])
    expect(JSON.stringify(events)).not.toContain('too big')
  })

  test('of which nothing came is closed, and may be agreed on again', async () => {
    const { id } = await place([{ sku, quantity: 1 }])
    await act(id, 'fulfillments')
    const lines = [{ lineId: 'line_1', quantity: 1 }]
    const { body } = await act(id, 'returns', { lines })
    const closed = await act(id, `returns/${body.returns[0].id}/receipt`, { lines: [] })
    expect(closed.body.returns).toMatchObject([{ status: 'closed' }])
    expect(closed.body.refunds).toEqual([])
    expect((await act(id, 'returns', { lines })).status).toBe(201)
    const unknown = await act(id, 'returns/ret_x/receipt', { lines: [] })
    expect([unknown.status, unknown.body.code]).toEqual([404, 'return_not_found'])
  })
})

describe('notes and metadata', () => {
  test('are changed by staff, under the version, and no event tells them', async () => {
    const { id, version } = await place([{ sku, quantity: 1 }])
    const patch = (body: unknown, headers = {}) => staff('PATCH', `/v1/admin/orders/${id}`, body, { headers })
    const changed = await patch(
      { note: 'call first', metadata: { tax: 'T-1' } },
      { 'If-Match': `"${version}"` },
    )
    expect(changed.status, JSON.stringify(changed.body)).toBe(200)
    expect(changed.body).toMatchObject({ note: 'call first', metadata: { tax: 'T-1' }, version: version + 1 })
    const stale = await patch({ note: null }, { 'If-Match': `"${version}"` })
    expect([stale.status, stale.body.code]).toEqual([412, 'precondition_failed'])
    expect((await patch({ note: null })).body).toMatchObject({ note: null, metadata: { tax: 'T-1' } })
    expect((await patch({ noted: 'x' })).status).toBe(400)
  })
})

describe('a capture by hand', () => {
  test('takes what is owed then, without what was cancelled before', async () => {
    const store = `s-${crypto.randomUUID().slice(0, 8)}`
    await staff('PUT', `/v1/admin/stores/${store}`, { name: 'By hand' })
    await staff('PATCH', '/v1/admin/store', { capture: 'manual' }, { store })
    const of = { store }
    await staff(
      'PUT',
      '/v1/admin/products/tee',
      { title: 'Tee', status: 'active', variants: [{ sku: 'TEE', prices: { EUR: 1000 } }] },
      of,
    )
    const movement = { type: 'receive', location: 'main', quantity: 9 }
    await staff('POST', '/v1/admin/stock/TEE/movements', movement, of)
    const { call } = await import('../../support/api.ts')
    const { READY } = await import('../../support/shop.ts')
    const cart = await call('POST', '/v1/carts', {
      store,
      idempotencyKey: crypto.randomUUID(),
      body: { lines: [{ sku: 'TEE', quantity: 3 }], ...READY },
    })
    const payment = { provider: 'test', token: 'tok_ok' }
    const placed = await call('POST', `/v1/carts/${cart.body.id}/checkout`, {
      store,
      idempotencyKey: crypto.randomUUID(),
      body: { payment },
    })
    expect(placed.body).toMatchObject({ paymentStatus: 'authorized' })
    const { id } = placed.body
    await act(id, 'cancellation', { lines: [{ lineId: 'line_1', quantity: 1 }] }, of)
    expect((await act(id, 'refunds', undefined, of)).status).toBe(409)
    const captured = await act(id, 'captures', undefined, of)
    expect(captured.status, JSON.stringify(captured.body)).toBe(201)
    expect((await act(id, 'captures', undefined, of)).status).toBe(409)
    await exports.Background.runEffects({ ...STORE, slug: store }, parseOrderId(id)!)
    const { body } = await staff('GET', `/v1/admin/orders/${id}`, undefined, of)
    expect(body).toMatchObject({
      paymentStatus: 'paid',
      payments: [{ status: 'captured', amount: EUR(3000), captured: EUR(2000) }],
      refunds: [],
    })
    expect(body.timeline.map(({ what, actor }: any) => `${what} ${actor}`)).toEqual([
      'placed customer',
      'cancel root',
      'capture root',
      'captured provider',
    ])
  })
})
