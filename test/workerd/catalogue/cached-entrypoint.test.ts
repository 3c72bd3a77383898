import { createExecutionContext, waitOnExecutionContext } from 'cloudflare:test'
import { env, exports } from 'cloudflare:workers'
import { beforeAll, describe, expect, test } from 'vitest'
import { Catalogue } from '../../../worker/index.ts'
import { call, staff } from '../../support/api.ts'

type Entrypoint = Fetcher & { purge(tags: string[]): Promise<boolean> }
const entrypoint = (exports as unknown as { Catalogue: Entrypoint }).Catalogue
const ask = (path: string) => entrypoint.fetch(`https://catalogue.internal${path}`)

beforeAll(async () => {
  await staff('PUT', '/v1/admin/stores/cached', {})
  const variants = [{ sku: 'A, B', prices: { EUR: 1 }, stock: [{ item: 'Bolt 5, long' }] }]
  await staff('PUT', '/v1/admin/products/bolt', { title: 'Bolt', variants }, { store: 'cached' })
})

describe('what the cache is told', () => {
  const said = async (path: string) => {
    const { status, headers } = await ask(path)
    return [status, headers.get('Cache-Control'), headers.get('Cache-Tag')]
  }
  const CATALOGUE = 'public, max-age=5, stale-while-revalidate=60'

  test('a page carries the tags of its store, product and items, encoded', async () => {
    expect(await said('/cached/products/bolt?market=main')).toEqual([
      200,
      CATALOGUE,
      'cached,cached:product:bolt,cached:item:Bolt%205%2C%20long',
    ])
  })

  test('a listing carries those of everything on it', async () => {
    expect(await said('/cached/products?market=main')).toEqual([
      200,
      CATALOGUE,
      'cached,cached:products,cached:product:bolt,cached:item:Bolt%205%2C%20long',
    ])
  })

  test('the tree and the store carry the tag of the store', async () => {
    expect(await said('/cached/categories')).toEqual([200, CATALOGUE, 'cached,cached:categories'])
    expect(await said('/cached/store')).toEqual([200, CATALOGUE, 'cached'])
  })

  test('a live number is kept for a second and never served stale', async () => {
    expect(await said('/cached/availability/A%2C%20B')).toEqual([
      200,
      'public, max-age=1, must-revalidate',
      'cached',
    ])
  })

  test.each([
    '/',
    '/cached',
    '/cached/',
    '/cached/nothing',
    '/cached/products/none',
    '/cached/products?market=none',
    '/nobody/products',
    '/cached/images/x',
    '/%zz/products',
  ])('nothing of %s is kept', async (path) => {
    const answer = await ask(path)
    expect(answer.status).toBeGreaterThanOrEqual(400)
    expect(answer.headers.get('Cache-Control')).toBe('no-store')
  })
})

test('the cookie, the credential and the address of a shopper do not reach what is cached', async () => {
  const first = await call('GET', '/v1/products/bolt?utm=1', { store: 'cached' })
  const second = await call('GET', '/v1/products/bolt?x=2', {
    store: 'cached',
    key: 'somebody',
    headers: { Cookie: 'session=1', 'Accept-Language': 'de' },
  })
  expect([second.status, second.body, second.headers.get('ETag')]).toEqual([
    200,
    first.body,
    first.headers.get('ETag'),
  ])
  expect(second.headers.has('Set-Cookie')).toBe(false)
})

test('HEAD answers as GET does, without the body', async () => {
  const head = await call('HEAD', '/v1/products/bolt', { store: 'cached' })
  const get = await call('GET', '/v1/products/bolt', { store: 'cached' })
  expect([head.status, head.body, head.headers.get('ETag')]).toEqual([200, null, get.headers.get('ETag')])
})

test('a purge says that there is no cache where there is none', async () => {
  expect(await entrypoint.purge(['cached'])).toBe(false)
})

test('a purge reaches the cache where there is one, and says when it was not taken', async () => {
  const asked: string[][] = []
  const purgeWith = async (success: boolean) => {
    const ctx = createExecutionContext()
    const purge = async ({ tags }: { tags: string[] }) => {
      asked.push(tags)
      return { success }
    }
    Object.assign(ctx, { cache: { purge } })
    const answer = await new Catalogue(ctx, env).purge(['cached:products'])
    await waitOnExecutionContext(ctx)
    return answer
  }
  expect([await purgeWith(true), await purgeWith(false)]).toEqual([true, false])
  expect(asked).toEqual([['cached:products'], ['cached:products']])
})

test('while the database is down the entrypoint answers 503, so that the cache goes on with what it has', async () => {
  const broken = new Proxy(env.CATALOGUE, {
    get: () => () => {
      throw new Error('D1_ERROR: down')
    },
  })
  const ctx = createExecutionContext()
  const catalogue = new Catalogue(ctx, { ...env, CATALOGUE: broken })
  const answer = await catalogue.fetch(new Request('https://catalogue.internal/cached/products/bolt'))
  expect([answer.status, answer.headers.get('Cache-Control')]).toEqual([503, 'no-store'])
  expect(await answer.json()).toMatchObject({ code: 'unavailable' })
})
