import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { PROBLEMS } from '../../../schema/problems.ts'
import { type Answer, call, ROOT_KEY, staff } from '../../support/api.ts'
import { HOSTILE_QUERIES, HOSTILE_SEGMENTS, hostileBodies, MALFORMED_JSON } from '../../support/hostile.ts'
import { type Operation, operations } from '../../support/openapi.ts'

const routes = operations()
/** One byte of it more than the route that takes the most. */
const OVERSIZED = `{"x":"${'x'.repeat(2 * 1024 * 1024 - 7)}"}`

let foreignKey = ''
let powerlessKey = ''

beforeAll(async () => {
  await staff('PUT', '/v1/admin/stores/other', { name: 'Other' })
  const foreign = await staff(
    'POST',
    '/v1/admin/api-keys',
    {
      name: 'foreign',
      scopes: [
        'keys:write',
        'catalogue:write',
        'stock:write',
        'orders:write',
        'settings:write',
        'webhooks:write',
        'events:read',
      ],
    },
    { store: 'other' },
  )
  foreignKey = foreign.body.key
  const powerless = await staff('POST', '/v1/admin/api-keys', {
    name: 'powerless',
    scopes: ['customers:read'],
  })
  powerlessKey = powerless.body.key
  expect(foreignKey.length).toBeGreaterThan(20)
  expect(powerlessKey.length).toBeGreaterThan(20)
})

const asked = { count: 0 }
afterAll(() => expect(asked.count).toBeGreaterThan(1_000))

/** Whatever was asked, the answer is a success or a problem document that nobody may store; never a 5xx. */
function expectClean(answer: Answer<unknown>, what: string): void {
  asked.count++
  expect(answer.status, what).toBeLessThan(500)
  expect(answer.headers.get('Request-Id'), what).toMatch(/^req_/)
  if (answer.status < 400) return
  const problem = answer.body as { code: keyof typeof PROBLEMS; status: number; requestId: string }
  expect(answer.headers.get('Content-Type'), what).toContain('application/problem+json')
  expect(answer.headers.get('Cache-Control'), what).toBe('no-store')
  expect(PROBLEMS[problem.code], `${what}: code ${problem.code}`).toBeDefined()
  expect(problem.status, what).toBe(answer.status)
  expect(problem.requestId, what).toBe(answer.headers.get('Request-Id'))
}

function pathOf(operation: Operation, segment: string): string {
  return operation.path.replaceAll(/\{[^}]+\}/g, segment)
}

const key = (operation: Operation) => (operation.isStaff ? { key: ROOT_KEY } : {})
const fresh = () => ({ idempotencyKey: crypto.randomUUID() })
/** Long-polling and streams would only make the walk slow. */
const isQuick = (parameter: string) => parameter !== 'wait'

test('the description names every room', () => {
  expect(routes.length).toBeGreaterThan(40)
})

describe.each(routes.filter(({ path }) => !path.endsWith('/stream')))('$method $path', (operation) => {
  test('says what it does and which problems it answers', () => {
    expect(operation.summary.length).toBeGreaterThan(3)
    if (operation.isStaff) expect(operation.statuses).toEqual(expect.arrayContaining([401, 403]))
  })

  test('answers hostile path segments with problems', async () => {
    if (operation.pathParameters.length === 0) return
    for (const segment of HOSTILE_SEGMENTS) {
      const path = pathOf(operation, segment)
      const withBody = operation.body
        ? { rawBody: '{}', headers: { 'Content-Type': 'application/json' } }
        : {}
      const answer = await call(operation.method, path, { ...key(operation), ...fresh(), ...withBody })
      expectClean(answer, `${operation.method} ${path.slice(0, 120)}`)
    }
  })

  test('answers hostile query values with problems', async () => {
    for (const parameter of operation.queryParameters.filter(isQuick)) {
      for (const value of HOSTILE_QUERIES) {
        const path = `${pathOf(operation, 'unknown')}?${parameter}=${value}&${parameter}=${value}`
        if (operation.method === 'GET')
          expectClean(await call('GET', path, key(operation)), path.slice(0, 120))
      }
    }
  })

  test('answers malformed, mistyped, huge and oversized bodies with problems', async () => {
    if (!operation.body) return
    const path = pathOf(operation, 'unknown')
    const ask = (rawBody: string, type = 'application/json') =>
      call(operation.method, path, {
        ...key(operation),
        ...fresh(),
        rawBody,
        headers: { 'Content-Type': type },
      })
    for (const rawBody of MALFORMED_JSON) expectClean(await ask(rawBody), `${path} ${rawBody}`)
    for (const rawBody of hostileBodies(operation))
      expectClean(await ask(rawBody), `${path} ${rawBody.slice(0, 200)}`)
    const oversized = await ask(OVERSIZED)
    expectClean(oversized, `${path} oversized`)
    expect(oversized.status).toBe(413)
    expect((await ask('{}', 'text/plain')).status).toBe(415)
  })

  test('takes hostile idempotency keys for what they are', async () => {
    if (operation.method !== 'POST') return
    for (const idempotencyKey of ['x y', 'é', 'k'.repeat(300), '"', '"quoted-but-long-enough-0123456789"']) {
      const rawBody = operation.body ? { rawBody: '{}', headers: { 'Content-Type': 'application/json' } } : {}
      const answer = await call('POST', pathOf(operation, 'unknown'), {
        ...key(operation),
        ...rawBody,
        idempotencyKey,
      })
      expectClean(answer, `${operation.path} key ${idempotencyKey.slice(0, 20)}`)
    }
  })

  test('asks for a key of this store with the right scope, before it reads anything', async () => {
    if (!operation.isStaff) return
    const path = pathOf(operation, 'unknown')
    const rawBody = operation.body ? { rawBody: '{', headers: { 'Content-Type': 'application/json' } } : {}
    for (const wrong of [undefined, 'wrong', foreignKey, `${ROOT_KEY}x`]) {
      const answer = await call(operation.method, path, { ...(wrong ? { key: wrong } : {}), ...rawBody })
      expectClean(answer, `${path} with a wrong key`)
      expect(answer.status, path).toBe(401)
    }
    const lacking = await call(operation.method, path, { key: powerlessKey, ...rawBody })
    expectClean(lacking, `${path} without the scope`)
    expect(lacking.status, path).toBe(403)
    expect(lacking.body.detail, 'the scope that is described is the one that is asked for').toContain(
      operation.scope,
    )
  })
})
