import { expect, test } from 'vitest'
import { document, type SchemaNode } from '../../support/openapi.ts'

/** Every object of the description, with the path to it. */
function nodes(node: unknown, path = ''): [string, Record<string, unknown>][] {
  if (node === null || typeof node !== 'object') return []
  const below = Object.entries(node).flatMap(([name, child]) => nodes(child, `${path}/${name}`))
  return [[path, node as Record<string, unknown>], ...below]
}
const all = nodes(document)

test('every pattern is a regular expression, without the delimiters and flags of a language', () => {
  const patterns = all.flatMap(([path, { pattern }]) =>
    typeof pattern === 'string' ? [[path, pattern]] : [],
  )
  expect(patterns.length).toBeGreaterThan(10)
  for (const [path, pattern] of patterns) {
    expect(() => new RegExp(pattern!, 'u'), path).not.toThrow()
    expect(pattern, path).not.toMatch(/\$\/\w*$/)
  }
})

test('no body is described as two schemas that each forbid the members of the other', () => {
  const closed = (node: SchemaNode & { additionalProperties?: unknown }): boolean => {
    const name = node.$ref?.split('/').pop()
    return name ? closed(document.components.schemas[name]!) : node.additionalProperties === false
  }
  const wrong = all.filter(([, { allOf }]) => Array.isArray(allOf) && allOf.some(closed))
  expect(wrong.map(([path]) => path)).toEqual([])
})

test('a key that a route cannot do without is described as required', () => {
  const required = all.flatMap(([path, node]) =>
    node.in === 'header' && node.name === 'idempotency-key' && node.required ? [path.split('/post/')[0]] : [],
  )
  expect(required.sort()).toEqual([
    '/paths//v1/admin/orders/{orderId}/cancellation',
    '/paths//v1/admin/orders/{orderId}/captures',
    '/paths//v1/admin/orders/{orderId}/fulfillments',
    '/paths//v1/admin/orders/{orderId}/fulfillments/{fulfillmentId}/delivery',
    '/paths//v1/admin/orders/{orderId}/refunds',
    '/paths//v1/admin/orders/{orderId}/returns',
    '/paths//v1/admin/orders/{orderId}/returns/{returnId}/receipt',
    '/paths//v1/admin/stock/batch',
    '/paths//v1/admin/stock/{item}/deallocations',
    '/paths//v1/admin/stock/{item}/movements',
    '/paths//v1/admin/transfers',
    '/paths//v1/admin/transfers/{id}/receipts',
    '/paths//v1/carts/{cartId}/checkout',
  ])
})

test('money is described as what it is everywhere', () => {
  expect(document.components.schemas.Money).not.toHaveProperty('description')
})
