import { type Operation, resolveSchema, type SchemaNode } from './openapi.ts'

/** Segments that were seen to break routers, databases or decoders somewhere. Put into paths as they are. */
export const HOSTILE_SEGMENTS = [
  'unknown',
  '..%2F..%2Fother%2Fproducts%2Fx',
  '%2e%2e%2f%2e%2e%2fother',
  '%zz',
  '%',
  '%00',
  '%E0%A4%A',
  '%ED%A0%80',
  '%F0%9F%92%A9',
  "'%20OR%201=1--",
  '%22%7D',
  'a'.repeat(3000),
  '%0d%0aSet-Cookie:x=1',
  'cart_00000000000000000000000000000000000000000000000000000000',
  'ord_0000000000000000000000000000',
  'pay_other.0000000000000000000000000000.1',
]

/** Values for one query parameter. */
export const HOSTILE_QUERIES = [
  '',
  'x',
  '-1',
  '0',
  '1e99',
  '99999999999999999999',
  'NaN',
  '%00',
  '%ED%A0%80',
  'a'.repeat(2000),
  '*',
  '[]',
  "'",
]

export const MALFORMED_JSON = ['{', '', 'nul', '{"a":}', '\u0000', '[1,2', '{"a":1}}', '"\\ud800']

/** Whole bodies of a wrong shape. */
const WRONG_BODIES: unknown[] = [
  null,
  [],
  'text',
  1,
  true,
  {},
  { unknown: 1 },
  { __proto__: { a: 1 } },
  [[[[[[]]]]]],
]

/** Values that are wrong, or huge, for almost any field. */
const WRONG_VALUES: unknown[] = [
  null,
  true,
  -1,
  0,
  1.5,
  2 ** 53,
  1e308,
  999_999_999_999,
  '',
  ' ',
  'x'.repeat(100_000),
  '\u0000',
  '\ud800',
  '../../other',
  [],
  [null],
  Array.from({ length: 2_000 }, (_, i) => i),
  {},
  { constructor: 1 },
  { amount: 2 ** 60, currency: 'EUR' },
  { amount: 1, currency: '€' },
]

/** For each field of the body's schema, bodies in which just that field is wrong, beside the whole ones. */
export function hostileBodies(operation: Operation): string[] {
  if (!operation.body) return []
  const schema = resolveSchema(operation.body)
  const plain = exampleOf(schema) as Record<string, unknown>
  const bodies = WRONG_BODIES.map((value) => JSON.stringify(value))
  for (const field of Object.keys(schema.properties ?? {})) {
    for (const value of WRONG_VALUES) bodies.push(JSON.stringify({ ...plain, [field]: value }))
  }
  bodies.push(`${'{"a":'.repeat(5_000)}1${'}'.repeat(5_000)}`)
  return bodies
}

/** A body of the right shape, as far as the schema tells it; good enough to reach the code behind validation. */
function exampleOf(node: SchemaNode, depth = 0): unknown {
  const schema = resolveSchema(node)
  if (depth > 4) return null
  if (schema.enum) return schema.enum[0]
  if (schema.anyOf) return exampleOf(schema.anyOf[0]!, depth + 1)
  const type = Array.isArray(schema.type) ? schema.type[0] : schema.type
  if (type === 'object') {
    return Object.fromEntries(
      Object.entries(schema.properties ?? {}).map(([key, value]) => [key, exampleOf(value, depth + 1)]),
    )
  }
  if (type === 'array') return []
  if (type === 'integer' || type === 'number') return 1
  if (type === 'boolean') return true
  return 'main'
}
