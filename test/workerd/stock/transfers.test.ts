import { beforeAll, describe, expect, test } from 'vitest'
import { call, ROOT_KEY, staff } from '../../support/api.ts'

const PATH = '/v1/admin/transfers'
const stock = (item: string) => `/v1/admin/stock/${encodeURIComponent(item)}`
const receive = (item: string, quantity: number, more: object = {}) =>
  staff('POST', `${stock(item)}/movements`, { type: 'receive', location: 'main', quantity, ...more })
const levels = async (item: string) => (await staff('GET', stock(item))).body
const send = (lines: object[], more: object = {}, options = {}) =>
  staff('POST', PATH, { from: 'main', to: 'annex', lines, ...more }, options)
const take = (id: string, lines: object[], options = {}) =>
  staff('POST', `${PATH}/${id}/receipts`, { lines }, options)
const onHandAt = async (item: string) =>
  Object.fromEntries(
    (await levels(item)).positions.map((p: any) => [p.lot ? `${p.location}/${p.lot}` : p.location, p.onHand]),
  )

beforeAll(async () => {
  await staff('PUT', '/v1/admin/locations/annex', { priority: 5 })
})

describe('goods that are sent', () => {
  test('leave at once, and are an arrival until they are received', async () => {
    await receive('T-A', 10)
    await receive('T-B', 4)
    const answer = await send(
      [
        { item: 'T-A', quantity: 6 },
        { item: 'T-B', quantity: 4 },
      ],
      { reference: 'TO-7', note: 'with the van', expectedAt: '2031-05-01T00:00:00Z' },
    )
    expect(answer.status).toBe(201)
    const { id, createdAt } = answer.body
    expect(id).toMatch(/^trf_[0-9a-z]{26}$/)
    expect(answer.body).toEqual({
      id,
      from: 'main',
      to: 'annex',
      status: 'in_transit',
      reference: 'TO-7',
      note: 'with the van',
      expectedAt: '2031-05-01T00:00:00.000Z',
      createdAt,
      lines: [
        { item: 'T-A', lot: '', quantity: 6, status: 'in_transit', inTransit: 6, received: 0, missing: 0 },
        { item: 'T-B', lot: '', quantity: 4, status: 'in_transit', inTransit: 4, received: 0, missing: 0 },
      ],
    })
    expect(await levels('T-A')).toMatchObject({
      onHand: 4,
      available: 4,
      incoming: 6,
      arrivals: [
        {
          reference: id,
          kind: 'transfer',
          location: 'annex',
          quantity: 6,
          expectedAt: '2031-05-01T00:00:00.000Z',
        },
      ],
    })
    expect((await staff('GET', `${PATH}/${id}`)).body).toEqual(answer.body)
    const [movement] = (await staff('GET', `${stock('T-A')}/movements`)).body.items
    expect(movement).toMatchObject({ type: 'transfer', reference: id, note: 'with the van', actor: 'root' })
  })

  test('are received in parts, with what is missing given up', async () => {
    await receive('PARTS', 10)
    const { id } = (await send([{ item: 'PARTS', quantity: 10 }])).body
    const first = await take(id, [{ item: 'PARTS', quantity: 3 }])
    expect(first).toMatchObject({
      status: 201,
      body: {
        id,
        status: 'in_transit',
        lines: [{ status: 'in_transit', inTransit: 7, received: 3, missing: 0 }],
        receipt: { lines: [{ item: 'PARTS', lot: '', quantity: 3, missing: 0, status: 'received' }] },
      },
    })
    expect(await levels('PARTS')).toMatchObject({ onHand: 3, incoming: 7 })
    const second = await take(id, [{ item: 'PARTS', quantity: 4, missing: 1 }])
    expect(second.body.lines).toMatchObject([{ inTransit: 2, received: 7, missing: 1 }])
    const last = await take(id, [{ item: 'PARTS', quantity: 0, missing: 2 }])
    expect(last.body).toMatchObject({
      status: 'received',
      lines: [{ status: 'received', inTransit: 0, received: 7, missing: 3 }],
    })
    expect(await levels('PARTS')).toMatchObject({ onHand: 7, incoming: 0, arrivals: [] })
    expect(await onHandAt('PARTS')).toEqual({ main: 0, annex: 7 })
    const { receipt: _, ...transfer } = last.body
    expect((await staff('GET', `${PATH}/${id}`)).body).toEqual(transfer)
  })

  test('keep their lots and sell-by dates, also several of one item', async () => {
    const expiresAt = '2032-01-01T00:00:00.000Z'
    await receive('LOTS', 5, { lot: 'L1', expiresAt })
    await receive('LOTS', 5, { lot: 'L2' })
    await receive('LOTS', 5)
    const lines = [
      { item: 'LOTS', lot: 'L1', quantity: 2 },
      { item: 'LOTS', lot: 'L2', quantity: 3 },
      { item: 'LOTS', quantity: 4 },
    ]
    const { id } = (await send(lines)).body
    expect((await levels('LOTS')).arrivals).toMatchObject([
      { reference: id, lot: 'L1', quantity: 2, expiresAt },
      { reference: `${id}/2`, lot: 'L2', quantity: 3, expiresAt: null },
      { reference: `${id}/3`, lot: '', quantity: 4, expiresAt: null },
    ])
    const answer = await take(id, [lines[2]!, lines[0]!])
    expect(answer.body.lines.map((line: any) => [line.lot, line.status])).toEqual([
      ['L1', 'received'],
      ['L2', 'in_transit'],
      ['', 'received'],
    ])
    expect((await take(id, [lines[1]!])).body.status).toBe('received')
    expect(await onHandAt('LOTS')).toEqual({
      'main/L1': 3,
      'main/L2': 2,
      main: 1,
      'annex/L1': 2,
      'annex/L2': 3,
      annex: 4,
    })
    const there = (await levels('LOTS')).positions.find((p: any) => p.location === 'annex' && p.lot === 'L1')
    expect(there.expiresAt).toBe(expiresAt)
  })
})

describe('a line that cannot be', () => {
  test('sent is refused and moves nothing, while the others go', async () => {
    await receive('R-A', 5)
    await receive('R-B', 1)
    const answer = await send([
      { item: 'R-A', quantity: 5 },
      { item: 'R-B', quantity: 2 },
      { item: 'R-NOBODY', quantity: 1 },
      { item: 'R-A', lot: 'none', quantity: 1 },
    ])
    expect(answer.status).toBe(201)
    expect(answer.body.lines).toMatchObject([
      { status: 'in_transit', inTransit: 5 },
      {
        status: 'refused',
        inTransit: 0,
        problem: { code: 'stock_conflict', status: 409, quantity: 2, free: 1 },
      },
      { status: 'refused', problem: { code: 'stock_conflict' } },
      { status: 'refused', problem: { code: 'stock_conflict' } },
    ])
    expect((await staff('GET', `${PATH}/${answer.body.id}`)).body).toEqual(answer.body)
    expect(await levels('R-B')).toMatchObject({ onHand: 1, incoming: 0 })
    expect((await staff('GET', stock('R-NOBODY'))).status).toBe(404)
    // Nothing of the others can come.
    const receipt = await take(answer.body.id, [
      { item: 'R-B', quantity: 1 },
      { item: 'R-A', quantity: 5 },
      { item: 'R-OTHER', quantity: 1 },
    ])
    expect(receipt).toMatchObject({ status: 201, body: { status: 'received' } })
    expect(receipt.body.receipt.lines).toMatchObject([
      { status: 'refused', problem: { code: 'stock_conflict', incoming: 0 } },
      { status: 'received' },
      { status: 'refused', problem: { code: 'stock_conflict', incoming: 0 } },
    ])
  })

  test('sent leaves no transfer when all are so, and the refusal is kept under its key', async () => {
    await receive('NONE', 1)
    const before = (await staff('GET', `${PATH}?limit=100`)).body.items.length
    const lines = [{ item: 'NONE', quantity: 2 }]
    const first = await send(lines, {}, { idempotencyKey: 'none' })
    expect(first).toMatchObject({
      status: 409,
      body: { code: 'stock_conflict', lines: [{ item: 'NONE', status: 'refused', problem: { free: 1 } }] },
    })
    await receive('NONE', 5)
    const second = await send(lines, {}, { idempotencyKey: 'none' })
    expect(second.body).toEqual(first.body)
    expect(second.headers.get('Idempotency-Replayed')).toBe('true')
    expect((await staff('GET', `${PATH}?limit=100`)).body.items).toHaveLength(before)
    expect((await send([{ item: 'NONE', quantity: 3 }], {}, { idempotencyKey: 'none' })).status).toBe(422)
    expect(await levels('NONE')).toMatchObject({ onHand: 6, incoming: 0 })
  })

  test('sent because the goods are promised stays where it is', async () => {
    await staff('PUT', '/v1/admin/products/promised', {
      title: 'Promised',
      status: 'active',
      variants: [{ sku: 'PROMISED', prices: { EUR: 100 } }],
    })
    await receive('PROMISED', 5)
    await call('POST', '/v1/carts', { body: { lines: [{ sku: 'PROMISED', quantity: 3 }] } })
    expect((await send([{ item: 'PROMISED', quantity: 3 }])).status).toBe(409)
    expect((await send([{ item: 'PROMISED', quantity: 2 }])).status).toBe(201)
  })

  test('received is refused when it says more than is in transit', async () => {
    await receive('MORE', 5)
    await receive('MORE-2', 5)
    const { id } = (
      await send([
        { item: 'MORE', quantity: 5 },
        { item: 'MORE-2', quantity: 5 },
      ])
    ).body
    const all = await take(id, [{ item: 'MORE', quantity: 4, missing: 2 }], { idempotencyKey: 'more' })
    expect(all).toMatchObject({
      status: 409,
      body: {
        code: 'stock_conflict',
        lines: [
          {
            item: 'MORE',
            status: 'refused',
            problem: { code: 'stock_conflict', incoming: 5, quantity: 4, missing: 2 },
          },
        ],
      },
    })
    const some = await take(id, [
      { item: 'MORE', quantity: 6 },
      { item: 'MORE-2', quantity: 5 },
    ])
    expect(some.body.lines).toMatchObject([
      { inTransit: 5, received: 0, missing: 0 },
      { inTransit: 0, received: 5 },
    ])
    expect((await take(id, [{ item: 'MORE', quantity: 5 }])).body.status).toBe('received')
    const kept = await take(id, [{ item: 'MORE', quantity: 4, missing: 2 }], { idempotencyKey: 'more' })
    expect(kept.body).toEqual(all.body)
    expect(kept.headers.get('Idempotency-Replayed')).toBe('true')
  })
})

describe('what cannot be a transfer', () => {
  const line = { item: 'BAD', quantity: 1 }
  test.each([
    ['/to', { from: 'main', to: 'main', lines: [line] }],
    ['/lines', { from: 'main', to: 'annex', lines: [] }],
    ['/lines/1', { from: 'main', to: 'annex', lines: [line, { ...line, lot: '', quantity: 2 }] }],
    ['/lines/0/quantity', { from: 'main', to: 'annex', lines: [{ ...line, quantity: 0 }] }],
    [
      '/lines',
      { from: 'main', to: 'annex', lines: Array.from({ length: 101 }, (_, i) => ({ ...line, lot: `${i}` })) },
    ],
    ['/lines/0', { from: 'main', to: 'annex', lines: [{ ...line, missing: 1 }] }],
    ['/from', { to: 'annex', lines: [line] }],
    ['/expectedAt', { from: 'main', to: 'annex', lines: [line], expectedAt: 'soon' }],
  ])('is 400 at %s', async (path, body) => {
    const answer = await staff('POST', PATH, body)
    expect(answer).toMatchObject({ status: 400, body: { code: 'malformed_request' } })
    expect(answer.body.errors.map((error: { path: string }) => error.path)).toContain(path)
  })

  test.each([
    ['/lines/0', [{ item: 'X', quantity: 0 }]],
    ['/lines/0/quantity', [{ item: 'X' }]],
    ['/lines/0/missing', [{ item: 'X', quantity: 1, missing: -1 }]],
    [
      '/lines/1',
      [
        { item: 'X', quantity: 1 },
        { item: 'X', lot: '', quantity: 1 },
      ],
    ],
    ['/lines', []],
  ])('nor its receipt: 400 at %s', async (path, lines) => {
    const answer = await take('trf_00000000000000000000000000', lines)
    expect(answer).toMatchObject({ status: 400, body: { code: 'malformed_request' } })
    expect(answer.body.errors.map((error: { path: string }) => error.path)).toContain(path)
  })

  test('is 404 for places and transfers that are not there', async () => {
    for (const more of [{ from: 'nowhere' }, { to: 'nowhere' }])
      expect(await send([line], more)).toMatchObject({ status: 404, body: { code: 'location_not_found' } })
    for (const id of ['trf_00000000000000000000000000', 'trf_', 'x']) {
      expect(await staff('GET', `${PATH}/${id}`)).toMatchObject({
        status: 404,
        body: { code: 'transfer_not_found' },
      })
      expect(await take(id, [line])).toMatchObject({ status: 404, body: { code: 'transfer_not_found' } })
    }
  })

  test('needs a key for what it does, and the scope', async () => {
    const body = { from: 'main', to: 'annex', lines: [line] }
    expect(await call('POST', PATH, { key: ROOT_KEY, body })).toMatchObject({
      status: 400,
      body: { code: 'idempotency_key_missing' },
    })
    const { body: reader } = await staff('POST', '/v1/admin/api-keys', { name: 'r', scopes: ['stock:read'] })
    expect((await staff('POST', PATH, body, { key: reader.key })).status).toBe(403)
    expect((await staff('GET', PATH, undefined, { key: reader.key })).status).toBe(200)
  })
})

describe('repeated under its key', () => {
  test('a transfer and a receipt answer as the first time, whatever has happened since', async () => {
    await receive('SAME', 10)
    const first = await send([{ item: 'SAME', quantity: 10 }], {}, { idempotencyKey: 'same' })
    const { id } = first.body
    const part = await take(id, [{ item: 'SAME', quantity: 4 }], { idempotencyKey: 'part' })
    await take(id, [{ item: 'SAME', quantity: 6 }])
    const again = await send([{ item: 'SAME', quantity: 10 }], {}, { idempotencyKey: 'same' })
    const partAgain = await take(id, [{ item: 'SAME', quantity: 4 }], { idempotencyKey: 'part' })
    expect([again.status, partAgain.status]).toEqual([201, 201])
    expect(again.body).toEqual(first.body)
    expect(partAgain.body).toEqual(part.body)
    for (const { headers } of [again, partAgain]) expect(headers.get('Idempotency-Replayed')).toBe('true')
    expect(await levels('SAME')).toMatchObject({ onHand: 10, incoming: 0 })
    expect(await take(id, [{ item: 'SAME', quantity: 5 }], { idempotencyKey: 'part' })).toMatchObject({
      status: 422,
      body: { code: 'idempotency_key_reused' },
    })
  })

  test('many times at once, one transfer is made and the goods move once', async () => {
    await receive('RACE', 20)
    const sent = await Promise.all(
      Array.from({ length: 5 }, () => send([{ item: 'RACE', quantity: 6 }], {}, { idempotencyKey: 'race' })),
    )
    expect(new Set(sent.map(({ body }) => body.id)).size).toBe(1)
    const { id } = sent[0]!.body
    expect(await levels('RACE')).toMatchObject({ onHand: 14, incoming: 6 })
    const taken = await Promise.all(
      Array.from({ length: 5 }, () => take(id, [{ item: 'RACE', quantity: 2 }], { idempotencyKey: 'race' })),
    )
    for (const { body } of taken) expect(body).toEqual(taken[0]!.body)
    expect(await levels('RACE')).toMatchObject({ onHand: 16, incoming: 4 })
  })

  test('receipts that race for the same goods take in no more than was sent', async () => {
    await receive('RUSH', 10)
    const { id } = (await send([{ item: 'RUSH', quantity: 10 }])).body
    const taken = await Promise.all(
      Array.from({ length: 8 }, () => take(id, [{ item: 'RUSH', quantity: 2, missing: 1 }])),
    )
    expect(taken.map(({ status }) => status).sort()).toEqual([201, 201, 201, 409, 409, 409, 409, 409])
    const { body } = await staff('GET', `${PATH}/${id}`)
    expect(body.lines).toMatchObject([{ inTransit: 1, received: 6, missing: 3 }])
    expect(await onHandAt('RUSH')).toEqual({ main: 0, annex: 6 })
  })
})

describe('the list', () => {
  test('shows the newest first, page by page, each once, narrowed by status', async () => {
    const store = 'paged'
    await staff('PUT', '/v1/admin/stores/paged', { name: 'Paged' })
    await staff('PUT', '/v1/admin/locations/annex', { priority: 5 }, { store })
    await staff(
      'POST',
      `${stock('P')}/movements`,
      { type: 'receive', location: 'main', quantity: 50 },
      { store },
    )
    const made: string[] = []
    for (let i = 1; i <= 7; i++) {
      const { body } = await send([{ item: 'P', quantity: i }], {}, { store })
      made.unshift(body.id)
      if (i % 3 === 0) await take(body.id, [{ item: 'P', quantity: i }], { store })
    }
    const listed = async (query: string) => {
      const ids: string[] = []
      for (let cursor: string | null = ''; cursor !== null; ) {
        const path = `${PATH}?limit=3${query}${cursor && `&cursor=${cursor}`}`
        const page: any = await staff('GET', path, undefined, { store })
        expect(page.status).toBe(200)
        ids.push(...page.body.items.map(({ id }: { id: string }) => id))
        cursor = page.body.nextCursor
      }
      return ids
    }
    expect(await listed('')).toEqual(made)
    expect(await listed('&status=received')).toEqual([made[1], made[4]])
    expect(await listed('&status=in_transit')).toEqual(made.filter((_, i) => i !== 1 && i !== 4))
    const { body } = await staff('GET', `${PATH}?limit=1`, undefined, { store })
    expect(body.items).toEqual([(await staff('GET', `${PATH}/${made[0]}`, undefined, { store })).body])
  })

  test('and transfers of one store are nothing to another, keys included', async () => {
    await staff('PUT', '/v1/admin/stores/other', { name: 'Other' })
    const store = 'other'
    await receive('OURS', 5)
    const { id } = (await send([{ item: 'OURS', quantity: 5 }], {}, { idempotencyKey: 'shared' })).body
    expect((await staff('GET', PATH, undefined, { store })).body.items).toEqual([])
    expect((await staff('GET', `${PATH}/${id}`, undefined, { store })).status).toBe(404)
    expect((await take(id, [{ item: 'OURS', quantity: 5 }], { store })).status).toBe(404)
    await staff('PUT', '/v1/admin/locations/annex', {}, { store })
    const theirs = await send([{ item: 'THEIRS', quantity: 1 }], {}, { store, idempotencyKey: 'shared' })
    expect(theirs).toMatchObject({ status: 409, body: { code: 'stock_conflict' } })
    expect(await levels('OURS')).toMatchObject({ incoming: 5 })
  })
})
