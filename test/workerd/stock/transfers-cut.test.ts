import { env } from 'cloudflare:workers'
import { afterEach, beforeAll, describe, expect, test } from 'vitest'
import { testClock } from '../../../runtime/clock.ts'
import { IDEMPOTENCY_KEPT_MS } from '../../../schema/rpc/idempotency.ts'
import { settled, type TransferLine } from '../../../worker/stock/transfer.ts'
import { staff } from '../../support/api.ts'
import { aroundStock, breakDatabase, breakStock } from '../../support/faults.ts'

const PATH = '/v1/admin/transfers'
const receive = (item: string, quantity: number) =>
  staff('POST', `/v1/admin/stock/${item}/movements`, { type: 'receive', location: 'main', quantity })
const levels = async (item: string) => (await staff('GET', `/v1/admin/stock/${item}`)).body
const send = (lines: object[], idempotencyKey: string = crypto.randomUUID()) =>
  staff('POST', PATH, { from: 'main', to: 'annex', lines }, { idempotencyKey })
const take = (id: string, lines: object[], idempotencyKey: string = crypto.randomUUID()) =>
  staff('POST', `${PATH}/${id}/receipts`, { lines }, { idempotencyKey })
const read = async (id: string) => (await staff('GET', `${PATH}/${id}`)).body
const listed = async (id: string) =>
  (await staff('GET', `${PATH}?limit=100`)).body.items.find((transfer: { id: string }) => transfer.id === id)
const newest = async () => (await staff('GET', `${PATH}?limit=1`)).body.items[0]

const mends: (() => void)[] = []
const mend = () => {
  for (const one of mends.splice(0)) one()
}
afterEach(() => {
  mend()
  testClock.reset()
})
beforeAll(async () => {
  await staff('PUT', '/v1/admin/locations/annex', { priority: 5 })
})

/** The worker dies for its records as soon as this item has taken a command: nothing can be written down any more. */
function dieAfter(item: string): void {
  mends.push(
    aroundStock([item], 'move', async (call) => {
      const answer = await call()
      mends.push(breakDatabase('CATALOGUE'))
      return answer
    }),
  )
}

describe('a transfer that is cut while it is sent', () => {
  test.each(['before', 'after'] as const)('%s an item took it goes on when it is repeated', async (when) => {
    const [a, b] = [`S-A-${when}`, `S-B-${when}`]
    await receive(a, 5)
    await receive(b, 5)
    const lines = [a, b].map((item) => ({ item, quantity: 3 }))
    mends.push(breakStock([b], 'move', when))
    expect(await send(lines, when)).toMatchObject({ status: 503, body: { code: 'unavailable' } })
    const { id } = await newest()
    expect((await listed(id)).lines.map((line: any) => line.status)).toEqual(['in_transit', 'pending'])
    mend()
    // What left is known by what is on the way, also before the repeat.
    const known =
      when === 'after' ? { status: 'in_transit', inTransit: 3 } : { status: 'pending', inTransit: 0 }
    expect((await read(id)).lines).toMatchObject([{ status: 'in_transit', inTransit: 3 }, known])
    const finished = await send(lines, when)
    expect(finished).toMatchObject({ status: 201, body: { id, lines: [{ inTransit: 3 }, { inTransit: 3 }] } })
    for (const item of [a, b]) expect(await levels(item)).toMatchObject({ onHand: 2, incoming: 3 })
    expect(await read(id)).toEqual(finished.body)
    expect((await send(lines, when)).body).toEqual(finished.body)
  })

  test('when its records die behind the items goes on when it is repeated', async () => {
    await receive('S-DB', 5)
    dieAfter('S-DB')
    expect((await send([{ item: 'S-DB', quantity: 5 }], 's-db')).status).toBe(503)
    mend()
    expect(await levels('S-DB')).toMatchObject({ onHand: 0, incoming: 5 })
    const finished = await send([{ item: 'S-DB', quantity: 5 }], 's-db')
    expect(finished).toMatchObject({ status: 201, body: { lines: [{ inTransit: 5 }] } })
    expect(await levels('S-DB')).toMatchObject({ onHand: 0, incoming: 5 })
  })

  test('and never repeated: what left can be received, and the rest is no longer waited for when its key is over', async () => {
    for (const item of ['S-X', 'S-Y', 'S-Z']) await receive(item, 5)
    mends.push(breakStock(['S-X'], 'move', 'after'), breakStock(['S-Z'], 'move', 'before'))
    const lines = ['S-X', 'S-Y', 'S-Z'].map((item) => ({ item, quantity: 2 }))
    expect((await send(lines, 'never')).status).toBe(503)
    mend()
    const { id, lines: left } = await newest()
    expect(left.map(({ status }: { status: string }) => status)).toEqual(['pending', 'in_transit', 'pending'])
    // A receipt of what was never written down as sent finds it on its way.
    const receipt = await take(id, [
      { item: 'S-X', quantity: 2 },
      { item: 'S-Y', quantity: 1 },
    ])
    expect(receipt.status).toBe(201)
    const [received, partly] = receipt.body.lines
    expect([received.status, partly.inTransit]).toEqual(['received', 1])
    testClock.advance(IDEMPOTENCY_KEPT_MS - 60_000)
    expect((await read(id)).lines[2]).toMatchObject({ status: 'pending' })
    testClock.advance(120_000)
    const late = await read(id)
    expect(late.lines[2]).toMatchObject({ status: 'refused', inTransit: 0, problem: { code: 'unavailable' } })
    expect(await read(id)).toEqual(late)
    // The key begins a new life: another transfer, of other goods.
    const again = await send(lines, 'never')
    expect(again.status).toBe(201)
    expect(again.body.id).not.toBe(id)
  })
})

describe('a receipt that is cut', () => {
  test.each(['before', 'after'] as const)(
    '%s an item took it is known by what is still in transit',
    async (when) => {
      const [a, b] = [`R-A-${when}`, `R-B-${when}`]
      await receive(a, 9)
      await receive(b, 9)
      const { id } = (await send([a, b].map((item) => ({ item, quantity: 9 })))).body
      await take(id, [{ item: b, quantity: 1, missing: 1 }])
      const lines = [
        { item: a, quantity: 9 },
        { item: b, quantity: 3, missing: 2 },
      ]
      mends.push(breakStock([b], 'move', when))
      expect((await take(id, lines, when)).status).toBe(503)
      mend()
      const known =
        when === 'after'
          ? { inTransit: 2, received: 4, missing: 3 }
          : { inTransit: 7, received: 1, missing: 1 }
      expect((await read(id)).lines).toMatchObject([{ inTransit: 0, received: 9 }, known])
      // Reading it by its id has brought the record up.
      expect((await listed(id)).lines[1]).toMatchObject(known)
      const finished = await take(id, lines, when)
      expect(finished).toMatchObject({
        status: 201,
        body: { lines: [{ received: 9 }, { inTransit: 2, received: 4, missing: 3 }] },
      })
      expect(await levels(b)).toMatchObject({ onHand: 4, incoming: 2 })
      expect((await take(id, lines, when)).body).toEqual(finished.body)
      expect((await take(id, [{ item: b, quantity: 2 }])).body).toMatchObject({ status: 'received' })
    },
  )

  test('when the records die behind the items loses nothing of what it said', async () => {
    await receive('R-DB', 9)
    const { id } = (await send([{ item: 'R-DB', quantity: 9 }])).body
    dieAfter('R-DB')
    expect((await take(id, [{ item: 'R-DB', quantity: 2, missing: 7 }], 'r-db')).status).toBe(503)
    mend()
    expect((await listed(id)).lines[0]).toMatchObject({ inTransit: 9 })
    expect(await read(id)).toMatchObject({
      status: 'received',
      lines: [{ inTransit: 0, received: 2, missing: 7 }],
    })
    expect(await listed(id)).toMatchObject({ status: 'received', lines: [{ received: 2, missing: 7 }] })
    const repeated = await take(id, [{ item: 'R-DB', quantity: 2, missing: 7 }], 'r-db')
    expect(repeated).toMatchObject({ status: 201, body: { lines: [{ received: 2, missing: 7 }] } })
    expect(await levels('R-DB')).toMatchObject({ onHand: 2, incoming: 0 })
  })

  test('and refused when it is repeated, since the goods came under another receipt, leaves nothing behind', async () => {
    await receive('R-LATE', 5)
    const { id } = (await send([{ item: 'R-LATE', quantity: 5 }])).body
    mends.push(breakStock(['R-LATE'], 'move', 'before'))
    expect((await take(id, [{ item: 'R-LATE', quantity: 4, missing: 1 }], 'late')).status).toBe(503)
    mend()
    expect((await take(id, [{ item: 'R-LATE', quantity: 5 }])).status).toBe(201)
    expect((await take(id, [{ item: 'R-LATE', quantity: 4, missing: 1 }], 'late')).status).toBe(409)
    expect((await read(id)).lines).toMatchObject([{ received: 5, missing: 0 }])
    const rows = await env.CATALOGUE.prepare(
      'select count(*) as n, sum(is_done) as done from transfer_receipts where transfer = ?',
    )
      .bind(id)
      .first()
    expect(rows).toEqual({ n: 1, done: 1 })
  })

  test('while an item cannot be asked is 503 to read, and listed as recorded', async () => {
    await receive('R-DOWN', 5)
    const { id } = (await send([{ item: 'R-DOWN', quantity: 5 }])).body
    mends.push(breakStock(['R-DOWN'], 'levels', 'before'))
    expect(await staff('GET', `${PATH}/${id}`)).toMatchObject({ status: 503, body: { code: 'unavailable' } })
    expect((await listed(id)).lines).toMatchObject([{ inTransit: 5 }])
  })
})

describe('what became of a line, by what is still in transit', () => {
  const line = (received: number, missing: number): TransferLine => ({
    line: 0,
    item: 'I',
    lot: '',
    quantity: 10,
    outcome: 'sent',
    problem: null,
    received,
    missing,
  })
  const undone = (...receipts: [quantity: number, missing: number][]) =>
    receipts.map(([quantity, missing], i) => ({ line: 0, receipt: `r${i}`, quantity, missing }))

  test.each([
    ['nothing came', line(0, 0), undone(), 10, [0, 0], []],
    ['all is recorded', line(6, 1), undone(), 3, [6, 1], []],
    ['a receipt did not take effect', line(6, 1), undone([2, 1]), 3, [6, 1], []],
    ['a receipt took effect', line(6, 1), undone([2, 1]), 0, [8, 2], ['r0']],
    ['the first of two took effect', line(0, 0), undone([2, 1], [5, 0]), 7, [2, 1], ['r0']],
    ['the second of two took effect', line(0, 0), undone([5, 0], [2, 1]), 7, [2, 1], ['r1']],
    ['both took effect', line(1, 0), undone([2, 1], [5, 0]), 1, [8, 1], ['r0', 'r1']],
    ['something came that nobody wrote down', line(1, 1), undone(), 4, [5, 1], []],
    ['more is recorded than has gone', line(4, 6), undone(), 5, [0, 5], []],
  ] as const)('%s', (_, of, receipts, inTransit, [received, missing], effective) => {
    const figures = settled(of, receipts, inTransit)
    expect(figures).toMatchObject({ inTransit, received, missing })
    expect(figures.effective.map(({ receipt }) => receipt)).toEqual(effective)
    expect(figures.inTransit + figures.received + figures.missing).toBe(10)
  })
})
