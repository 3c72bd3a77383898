import { expect, test } from 'vitest'
import { isWeather } from '../../../worker/http/weather.ts'
import { staff } from '../../support/api.ts'
import { breakDatabase } from '../../support/faults.ts'

test.each<[string, unknown, boolean]>([
  [
    'a D1 that is not reachable',
    new Error('D1_ERROR: D1 DB is overloaded. Requests queued for too long.'),
    true,
  ],
  ['a connection that was lost', new Error('Network connection lost.'), true],
  ['an overloaded object', Object.assign(new Error('too many'), { overloaded: true }), true],
  ['an object that moved', Object.assign(new Error('reset'), { retryable: true }), true],
  ['a busy database', new Error('D1_ERROR: database is locked: SQLITE_BUSY'), true],
  ['a broken rule', new Error('D1_ERROR: UNIQUE constraint failed: a.b: SQLITE_CONSTRAINT'), false],
  ['a wrong statement', new Error('D1_ERROR: no such table: x: SQLITE_ERROR'), false],
  ['a bug', new TypeError('x is undefined'), false],
  ['nothing', undefined, false],
])('%s: weather or not', (_, error, is) => expect(isWeather(error)).toBe(is))

test('a staff write while D1 CATALOGUE is away is told to come again, and works when it is back', async () => {
  await staff('GET', '/v1/admin/store')
  const mend = breakDatabase('CATALOGUE')
  const put = () => staff('PUT', '/v1/admin/categories/weather', { name: 'Weather' })
  const down = await put()
  mend()
  expect(down.status).toBe(503)
  expect(down.body.code).toBe('unavailable')
  expect(down.headers.get('Retry-After')).toMatch(/^\d+$/)
  expect((await put()).status).toBe(200)
})
