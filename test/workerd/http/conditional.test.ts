import { expect, test } from 'vitest'
import { answerConditional, strongEtag } from '../../../worker/http/conditional.ts'

const etag = await strongEtag('{"a":1}')
const full = () =>
  new Response('{"a":1}', {
    headers: { ETag: etag, 'Cache-Control': 'public, max-age=5', 'Content-Type': 'application/json' },
  })
const ask = (ifNoneMatch: string) => new Request('http://x/', { headers: { 'If-None-Match': ifNoneMatch } })

test.each([etag, `W/${etag}`, `"other", ${etag}`, '*'])(
  'If-None-Match %s is answered 304 without a body',
  async (header) => {
    const answer = answerConditional(ask(header), full())
    expect(answer.status).toBe(304)
    expect(await answer.text()).toBe('')
    expect(answer.headers.get('ETag')).toBe(etag)
    expect(answer.headers.get('Cache-Control')).toBe('public, max-age=5')
  },
)

test.each(['"other"', '', 'garbage'])('If-None-Match %j is answered in full', async (header) => {
  const answer = answerConditional(ask(header), full())
  expect(answer.status).toBe(200)
  expect(await answer.text()).toBe('{"a":1}')
})

test('another body has another ETag, and it is a strong one', async () => {
  expect(await strongEtag('{"a":2}')).not.toBe(etag)
  expect(etag).toMatch(/^"[0-9a-f]{32}"$/)
})
