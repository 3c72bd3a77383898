import { expect, test } from 'vitest'
import { document } from '../../support/openapi.ts'

const schemas = document.components.schemas as Record<string, { properties: Record<string, unknown> }>

test('a SKU is described by a pattern that a validator can use', () => {
  const { pattern } = schemas.VariantBody!.properties.sku as { pattern: string }
  expect(new RegExp(pattern, 'u').test('BANK CHARGES')).toBe(true)
  expect(new RegExp(pattern, 'u').test('a\u0000')).toBe(false)
})

test('a price that may be absent is described as a price or null', () => {
  const described = [{ $ref: '#/components/schemas/Money' }, { type: 'null' }]
  expect(schemas.ProductItem!.properties.compareAtPrice).toEqual({ anyOf: described })
})

test('an upload is described as a file', () => {
  const { put } = document.paths['/v1/admin/images/{name}'] as unknown as {
    put: { requestBody: { content: Record<string, unknown> } } & Record<string, unknown>
  }
  expect(Object.keys(put.requestBody.content)).toContain('image/webp')
  expect(put).not.toHaveProperty('middleware')
})
