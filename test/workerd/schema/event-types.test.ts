import { describe, expect, test } from 'vitest'
import {
  type EVENT_TYPES,
  hasScope,
  matchesFilter,
  type Scope,
  visibleTypes,
} from '../../../schema/event-types.ts'

describe('a reader sees only the events whose room its key may read:', () => {
  test.each<[Scope[], string, boolean]>([
    [['events:read'], 'order.placed', false],
    [['events:read', 'orders:read'], 'order.placed', true],
    [['orders:write'], 'order.placed', true],
    [['orders:read'], 'stock.reserved', false],
    [['stock:read'], 'stock.availability_changed', true],
    [['catalogue:write'], 'price.changed', true],
    [['customers:read'], 'customer.erased', true],
  ])('%j sees %s: %s', (scopes, type, isVisible) => {
    expect(visibleTypes(scopes).includes(type as keyof typeof EVENT_TYPES)).toBe(isVisible)
  })

  test('a read scope never gives a write scope', () => {
    expect(hasScope(['orders:read'], 'orders:write')).toBe(false)
  })
})

test.each([
  ['*', 'order.placed', true],
  ['order.*', 'order.placed', true],
  ['order.*', 'orders.placed', false],
  ['order.placed', 'order.placed', true],
  ['order.placed', 'order.placed.twice', false],
  ['item:*', 'item:A*B', true],
  ['item:A*B', 'item:A*B', true],
])('filter %s over %s: %s', (filter, value, matches) => {
  expect(matchesFilter(filter, value)).toBe(matches)
})
