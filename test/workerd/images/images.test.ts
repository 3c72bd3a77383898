import { env } from 'cloudflare:workers'
import { beforeAll, describe, expect, test } from 'vitest'
import { parseRange } from '../../../worker/images/parse-range.ts'
import { type Answer, call, ROOT_KEY, staff } from '../../support/api.ts'

const bytesOf = (text: string) => Uint8Array.from(atob(text), (char) => char.charCodeAt(0))
/** The smallest file of each kind. */
const FILES = {
  'image/png': bytesOf(
    'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
  ),
  'image/gif': bytesOf('R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7'),
  'image/webp': bytesOf('UklGRiIAAABXRUJQVlA4IBYAAAAwAQCdASoBAAEADsD+JaQAA3AAAAAA'),
}
const png = FILES['image/png']

const upload = (bytes: Uint8Array, options = {}): Promise<Answer<Record<string, string>>> =>
  call('PUT', '/v1/admin/images/a.png', {
    key: ROOT_KEY,
    rawBody: bytes as BodyInit,
    headers: { 'Content-Type': 'application/octet-stream' },
    ...options,
  })

async function fetchRaw(path: string, headers: Record<string, string> = {}) {
  const { exports } = await import('cloudflare:workers')
  return exports.default.fetch(`http://localhost${path}`, { headers })
}

beforeAll(async () => {
  await staff('PUT', '/v1/admin/stores/other', {})
})

describe('an upload', () => {
  test.each(Object.entries(FILES))(
    'of %s is told by its bytes and named by its content',
    async (type, bytes) => {
      const first = await upload(bytes)
      const extension = type.split('/')[1]
      expect(first.status).toBe(200)
      expect(first.body).toEqual({
        key: expect.stringMatching(new RegExp(`^default/[0-9a-f]{64}\\.${extension}$`)),
        url: `/images/${first.body.key}`,
        width: 1,
        height: 1,
        type,
      })
      expect((await upload(bytes)).body).toEqual(first.body)
      const answer = await fetchRaw(first.body.url!)
      expect([answer.status, answer.headers.get('Content-Type')]).toEqual([200, type])
      expect(new Uint8Array(await answer.arrayBuffer())).toEqual(bytes)
    },
  )

  test.each([
    ['nothing', new Uint8Array()],
    ['text', new TextEncoder().encode('hello')],
    ['a script in a picture frame', new TextEncoder().encode('<svg xmlns="http://www.w3.org/2000/svg"/>')],
    ['a header that ends early', png.slice(0, 12)],
  ])('of %s is not taken', async (_what, bytes) => {
    const refused = await upload(bytes)
    expect([refused.status, refused.body.code]).toEqual([415, 'unsupported_media_type'])
  })

  test('of 10 MB is taken, of a byte more it is not', async () => {
    const large = new Uint8Array(10 * 1024 * 1024)
    large.set(png)
    expect((await upload(large)).status).toBe(200)
    const larger = new Uint8Array(large.length + 1)
    larger.set(png)
    const refused = await upload(larger)
    expect([refused.status, refused.body.code]).toEqual([413, 'body_too_large'])
  })

  test('needs catalogue:write in this store', async () => {
    expect((await upload(png, { key: undefined })).status).toBe(401)
    const { body } = await staff('POST', '/v1/admin/api-keys', { name: 'k', scopes: ['catalogue:read'] })
    expect((await upload(png, { key: body.key })).status).toBe(403)
  })

  test('of one file into two stores makes two images, and neither store shows the other its own', async () => {
    const there = await upload(png, { store: 'other' })
    expect(there.body.key).toMatch(/^other\//)
    const stolen = await staff('PUT', '/v1/admin/products/thief', {
      title: 'x',
      media: [{ key: there.body.key }],
    })
    expect(stolen.status).toBe(400)
    await env.IMAGES.delete(there.body.key!)
    expect((await fetchRaw((await upload(png)).body.url!)).status).toBe(200)
  })
})

describe('an image', () => {
  let url = ''
  beforeAll(async () => {
    url = (await upload(png)).body.url!
  })

  test('may be kept for ever, and is 304 to who has it', async () => {
    const first = await fetchRaw(url)
    expect(first.headers.get('Cache-Control')).toBe('public, max-age=31536000, immutable')
    expect(first.headers.get('X-Content-Type-Options')).toBe('nosniff')
    expect(first.headers.has('Cache-Tag')).toBe(false)
    await first.arrayBuffer()
    const etag = first.headers.get('ETag')!
    expect((await fetchRaw(url, { 'If-None-Match': etag })).status).toBe(304)
    expect((await fetchRaw(`${url}?w=640&format=webp`)).status).toBe(200)
  })

  test.each([
    ['bytes=0-3', 0, 4],
    ['bytes=4-', 4, png.length],
    ['bytes=-5', png.length - 5, png.length],
    ['bytes=0-99999', 0, png.length],
  ])('answers %s with that part', async (range, start, end) => {
    const part = await fetchRaw(url, { Range: range })
    expect(part.status).toBe(206)
    expect(part.headers.get('Content-Range')).toBe(`bytes ${start}-${end - 1}/${png.length}`)
    expect(new Uint8Array(await part.arrayBuffer())).toEqual(png.slice(start, end))
  })

  test('answers a range outside with 416 and its size, and nonsense with the whole', async () => {
    const outside = await fetchRaw(url, { Range: `bytes=${png.length}-` })
    expect([outside.status, outside.headers.get('Content-Range')]).toEqual([416, `bytes */${png.length}`])
    expect(outside.headers.get('Cache-Control')).toBe('no-store')
    for (const range of ['bytes=a-b', 'lines=1-2', 'bytes=3-1', 'bytes=0-1,4-5', 'bytes=-']) {
      expect((await fetchRaw(url, { Range: range })).status, range).toBe(200)
    }
    const stale = await fetchRaw(url, { Range: 'bytes=0-1', 'If-Range': '"other"' })
    expect(stale.status).toBe(200)
  })

  test('is the same with its key as one encoded segment', async () => {
    const key = url.slice('/images/'.length)
    expect((await fetchRaw(`/images/${encodeURIComponent(key)}`)).status).toBe(200)
  })

  test.each([
    `default/${'0'.repeat(64)}.png`,
    'default/x.png',
    'default',
    '..%2Fdefault',
    `default%2F..%2Fother%2F${'0'.repeat(64)}.png`,
    `nobody/${'0'.repeat(64)}.png`,
  ])('is not found at %s', async (key) => {
    const answer = await call('GET', `/images/${key}`)
    expect([answer.status, answer.headers.get('Cache-Control')]).toEqual([404, 'no-store'])
    expect(['image_not_found', 'not_found']).toContain(answer.body.code)
  })
})

test.each([
  [null, 10, null],
  ['bytes=0-0', 10, { offset: 0, length: 1 }],
  ['bytes=-0', 10, 'unsatisfiable'],
  ['bytes=-20', 10, { offset: 0, length: 10 }],
  ['bytes=9-', 10, { offset: 9, length: 1 }],
  ['bytes=10-', 10, 'unsatisfiable'],
  ['bytes=5-4', 10, null],
  ['bytes=99999999999999999999-', 10, 'unsatisfiable'],
])('the range %s of %i bytes is %j', (header, size, expected) => {
  expect(parseRange(header, size)).toEqual(expected)
})
