import { afterEach, expect, test, vi } from 'vitest'
import { ATTEMPT_TIMEOUT_MS, sendAttempt } from '../../../durable-objects/webhook-endpoint/send-attempt.ts'
import { newSecret } from '../../../durable-objects/webhook-endpoint/signature.ts'

const target = (url: string) => ({ url, secrets: [newSecret()] })

afterEach(() => {
  vi.useRealTimers()
  vi.unstubAllGlobals()
})

test('a receiver that does not answer is given 15 seconds', async () => {
  vi.useFakeTimers()
  const hang = (_url: URL, { signal }: RequestInit) =>
    new Promise((_, reject) => signal!.addEventListener('abort', () => reject(signal!.reason)))
  vi.stubGlobal('fetch', vi.fn(hang))
  const attempt = sendAttempt(target('https://partner.example.com/'), 'evt_1', '{}')
  await vi.waitFor(() => expect(fetch).toHaveBeenCalled())
  await vi.advanceTimersByTimeAsync(ATTEMPT_TIMEOUT_MS)
  expect(await attempt).toMatchObject({ error: 'timeout', status: null })
})

test('an address that the policy refuses is not called, whoever wrote it down', async () => {
  vi.stubGlobal('fetch', vi.fn())
  const attempt = await sendAttempt(target('https://169.254.169.254/'), 'evt_1', '{}')
  expect(attempt).toMatchObject({ error: 'address_refused', status: null, durationMs: 0 })
  expect(fetch).not.toHaveBeenCalled()
})

test('redirects are not followed and no timer is left behind', async () => {
  vi.useFakeTimers()
  vi.stubGlobal(
    'fetch',
    vi.fn(async () => new Response('a long answer', { status: 200 })),
  )
  expect(await sendAttempt(target('https://partner.example.com/'), 'evt_1', '{}')).toMatchObject({
    error: null,
  })
  expect(vi.mocked(fetch).mock.calls[0]![1]).toMatchObject({ method: 'POST', redirect: 'manual' })
  expect(vi.getTimerCount()).toBe(0)
})
