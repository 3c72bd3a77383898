import { exports } from 'cloudflare:workers'
import { expect, test } from 'vitest'

test('every answer names its request and is not stored unless it says so', async () => {
  const response = await exports.default.fetch('http://localhost/healthz')
  expect(response.status).toBe(200)
  expect(response.headers.get('Request-Id')).toMatch(/^req_[0-9a-z]{26}$/)
  expect(response.headers.get('Cache-Control')).toBe('no-store')
})
