import fc from 'fast-check'
import { expect, test } from 'vitest'
import { decodeCursor, encodeCursor } from '../../../worker/http/paging.ts'

test('a cursor comes back as the key that it was made of', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), fc.integer(), (text, number) => {
      const cursor = encodeCursor([text, number])
      expect(cursor).toMatch(/^[A-Za-z0-9_-]+$/)
      expect(decodeCursor(cursor, ['string', 'number'])).toEqual([text, number])
    }),
  )
})

test.each(['', 'x', '%%%', 'bnVsbA', encodeCursor(['only-one']), encodeCursor([1, 'swapped']), 'é'])(
  'a cursor that is not ours (%j) is refused as such',
  (cursor) => {
    expect(() => decodeCursor(cursor, ['string', 'number'])).toThrowError(/cursor/)
  },
)
