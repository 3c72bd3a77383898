import { describe, expect, test } from 'vitest'
import { call } from '../../support/api.ts'

/** What browsers and most HTTP libraries send for a POST without a body: an empty one, of no type. */
const empty = { rawBody: new Uint8Array() }

describe('a route whose body is optional', () => {
  test('takes an empty body of no type, as browsers send it', async () => {
    expect((await call('POST', '/v1/carts', empty)).status).toBe(201)
  })

  test('takes an empty body and an empty object for the same request', async () => {
    const idempotencyKey = crypto.randomUUID()
    const first = await call('POST', '/v1/carts', { ...empty, idempotencyKey })
    const again = await call('POST', '/v1/carts', { body: {}, idempotencyKey })
    expect([again.status, again.body.id]).toEqual([201, first.body.id])
  })

  test('refuses an empty body of another type', async () => {
    const headers = { 'Content-Type': 'text/plain' }
    const refused = await call('POST', '/v1/carts', { ...empty, headers })
    expect([refused.status, refused.body.code]).toEqual([415, 'unsupported_media_type'])
  })
})

test('a route whose body is required refuses an absent one', async () => {
  const headers = { 'Content-Type': 'application/json' }
  const path = `/v1/carts/cart_x/checkout`
  const refused = await call('POST', path, { ...empty, headers, idempotencyKey: crypto.randomUUID() })
  expect([refused.status, refused.body.code]).toEqual([400, 'malformed_json'])
})

describe('a body that is refused before its end', () => {
  const MB = 1024 * 1024

  /** A body of so many megabytes that counts what is read of it. */
  function upload(megabytes: number) {
    let sent = 0
    const body = new ReadableStream({
      type: 'bytes',
      pull(controller) {
        controller.enqueue(new Uint8Array(MB))
        if (++sent === megabytes) controller.close()
      },
    })
    return { body, sent: () => sent }
  }

  test.each([
    ['for its size', 'POST', '/v1/carts', 413],
    ['for its sender', 'PUT', '/v1/admin/images/cup', 401],
  ])('%s is read to its end, so that its sender hears why', async (_, method, path, status) => {
    const { body, sent } = upload(20)
    const headers = { 'Content-Type': 'application/json' }
    const refused = await call(method, path, { rawBody: body, headers })
    expect([refused.status, sent()]).toEqual([status, 20])
  })
})

test('what is wrong within an address that may be null is named by its own path', async () => {
  const shippingAddress = { name: 'Ada', line1: 'Street 1', line2: null, postalCode: '10115', country: 'DE' }
  const refused = await call('POST', '/v1/carts', { body: { shippingAddress } })
  expect([refused.status, refused.body.code]).toEqual([400, 'malformed_request'])
  const paths = refused.body.errors.map(({ path }: { path: string }) => path)
  expect(paths.sort()).toEqual(['/shippingAddress/city', '/shippingAddress/line2'])
})

test('a body that is not UTF-8 is refused, not taken with other characters than were sent', async () => {
  const [before, after] = ['{"note":"', '"}'].map((text) => new TextEncoder().encode(text))
  const latin1 = new Uint8Array([...before!, 0xfc, ...after!])
  const headers = { 'Content-Type': 'application/json' }
  const refused = await call('POST', '/v1/carts', { rawBody: latin1, headers })
  expect([refused.status, refused.body.code, refused.body.detail]).toEqual([
    400,
    'malformed_json',
    'The body is not UTF-8.',
  ])
})

test('a problem with nothing particular to say says what to do next', async () => {
  const { body } = await call('GET', '/v1/products/nowhere')
  expect([body.title, body.detail]).toEqual(['No such product', 'GET /v1/products lists them.'])
})
