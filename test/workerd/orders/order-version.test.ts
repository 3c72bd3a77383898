import { describe, expect, test } from 'vitest'
import { expectedVersion, orderEtag } from '../../../worker/orders/order-version.ts'

describe('If-Match on an order', () => {
  test.each([
    [undefined, null],
    ['*', null],
    ['"3"', 3],
    [' "12" ', 12],
  ])('%j asks for version %j', (header, version) => {
    expect(expectedVersion(header)).toEqual({ ok: true, version })
  })

  test.each(['3', 'W/"3"', '"x"', '""', '"-1"', '"1", "2"', '"99999999999999999999"'])(
    '%j matches no version of an order',
    (header) => {
      expect(expectedVersion(header)).toMatchObject({ ok: false, code: 'precondition_failed' })
    },
  )

  test('takes the ETag of an order as it was given', () => {
    expect(expectedVersion(orderEtag({ version: 7 }))).toEqual({ ok: true, version: 7 })
  })
})
