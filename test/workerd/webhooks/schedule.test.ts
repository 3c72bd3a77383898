import { describe, expect, test } from 'vitest'
import {
  DRAIN_WATCH_MS,
  nextAlarm,
  OVERDUE_PAUSE_MS,
} from '../../../durable-objects/webhook-endpoint/next-alarm.ts'
import {
  ATTEMPTS_MAX,
  DISABLE_AFTER_MS,
  nextAttemptAt,
  parseRetryAfter,
  RETRY_AFTER_MAX_MS,
  RETRY_PAUSES_MS,
} from '../../../durable-objects/webhook-endpoint/retry-schedule.ts'
import type { AttemptResult } from '../../../durable-objects/webhook-endpoint/send-attempt.ts'
import { errorOfStatus } from '../../../durable-objects/webhook-endpoint/send-attempt.ts'
import { HISTORY_MAX, settle } from '../../../durable-objects/webhook-endpoint/settle.ts'
import { retryDelaySeconds } from '../../../worker/events/verdict.ts'

const HOUR = 3600 * 1000

describe('the retry schedule', () => {
  test('tries again within 1 to 2 s at first', () => {
    expect(nextAttemptAt(1, 0, 0, null)).toBe(1_000)
    expect(nextAttemptAt(1, 0, 0.999, null)).toBeLessThan(2_000)
  })

  test.each(RETRY_PAUSES_MS.map((pause, i) => [i + 1, pause] as const).slice(1))(
    'pauses after failure %i for %i ms, or up to a fifth longer',
    (attempts, pause) => {
      expect(nextAttemptAt(attempts, 7, 0, null)).toBe(7 + pause)
      expect(nextAttemptAt(attempts, 7, 0.999, null)).toBeLessThanOrEqual(7 + pause * 1.2)
    },
  )

  test('lasts about 75 hours and then ends', () => {
    const total = RETRY_PAUSES_MS.reduce((sum, pause) => sum + pause, 0)
    expect(total).toBeGreaterThan(75 * HOUR)
    expect(total).toBeLessThan(77 * HOUR)
    expect(nextAttemptAt(ATTEMPTS_MAX, 0, 0.5, null)).toBeNull()
    expect(nextAttemptAt(ATTEMPTS_MAX - 1, 0, 0.5, null)).not.toBeNull()
  })

  test('gives a receiver the time it asks for, an hour at most', () => {
    expect(nextAttemptAt(1, 0, 0, 90_000)).toBe(90_000)
    expect(nextAttemptAt(1, 0, 0, RETRY_AFTER_MAX_MS * 24)).toBe(RETRY_AFTER_MAX_MS)
    expect(nextAttemptAt(6, 0, 0, 10)).toBe(30 * 60_000)
  })

  test.each([
    ['120', 120_000],
    ['0', 0],
    ['Thu, 01 Jan 1970 00:00:30 GMT', 30_000],
    ['Wed, 31 Dec 1969 23:00:00 GMT', 0],
    ['soon', null],
    ['-5', null],
    ['99999999999999', null],
    [null, null],
  ])('Retry-After %s is %s ms', (header, ms) => expect(parseRetryAfter(header, 0)).toBe(ms))
})

describe('what an attempt makes of its delivery', () => {
  const result = (error: AttemptResult['error'], retryAfterMs: number | null = null): AttemptResult => ({
    at: 5,
    status: error ? 500 : 200,
    durationMs: 1,
    error,
    retryAfterMs,
  })
  const fresh = { attempts: 0, history: [], failingSince: null }

  test('a success ends it and ends the endpoint’s failing', () => {
    expect(settle({ ...fresh, failingSince: 1 }, result(null), 9, 0)).toMatchObject({
      state: 'delivered',
      nextAttemptAt: null,
      failingSince: null,
      disable: null,
    })
  })

  test('a failure schedules it and notes since when', () => {
    expect(settle(fresh, result('timeout'), 9, 0)).toMatchObject({
      state: 'pending',
      attempts: 1,
      nextAttemptAt: 1_009,
      failingSince: 9,
      disable: null,
    })
    expect(settle({ ...fresh, failingSince: 4 }, result('status'), 9, 0).failingSince).toBe(4)
  })

  test('the last failure makes it dead', () => {
    const last = { ...fresh, attempts: ATTEMPTS_MAX - 1, failingSince: 1 }
    expect(settle(last, result('connection'), 9, 0)).toMatchObject({ state: 'dead', nextAttemptAt: null })
  })

  test('410 disables the endpoint at once; the delivery stays scheduled', () => {
    expect(settle(fresh, result('gone'), 9, 0)).toMatchObject({ state: 'pending', disable: 'gone' })
    const last = { ...fresh, attempts: ATTEMPTS_MAX - 1 }
    expect(settle(last, result('gone'), 9, 0)).toMatchObject({ state: 'pending', disable: 'gone' })
  })

  test.each([
    [DISABLE_AFTER_MS - 1, null],
    [DISABLE_AFTER_MS, 'failing'],
  ])('%i ms of nothing but failures: %s', (ms, disable) => {
    expect(settle({ ...fresh, failingSince: 0 }, result('status'), ms, 0).disable).toBe(disable)
  })

  test('the history is bounded, newest first', () => {
    const history = Array.from({ length: HISTORY_MAX }, (_, at) => ({
      at,
      status: 1,
      durationMs: 0,
      error: null,
    }))
    const after = settle({ ...fresh, history }, result('status'), 9, 0)
    expect([after.history.length, after.history[0]!.status]).toEqual([HISTORY_MAX, 500])
    expect(after.history[0]).not.toHaveProperty('retryAfterMs')
  })

  test.each([
    [200, null],
    [204, null],
    [299, null],
    [301, 'redirect'],
    [304, 'redirect'],
    [400, 'status'],
    [410, 'gone'],
    [429, 'status'],
    [500, 'status'],
    [199, 'status'],
  ])('status %i is %s', (status, error) => expect(errorOfStatus(status)).toBe(error))
})

describe('the alarm', () => {
  const idle = {
    now: 1_000,
    isEnabled: true,
    isDraining: false,
    readAgainAt: null,
    nextAttemptAt: null,
    hasUnconfirmed: false,
    eraseAt: null,
  }
  test.each([
    ['nothing waits: none', {}, null],
    ['the next attempt', { nextAttemptAt: 9_000 }, 9_000],
    [
      'an overdue attempt that could not be written down: soon, not at once',
      { nextAttemptAt: 5 },
      1_000 + OVERDUE_PAUSE_MS,
    ],
    ['a log that did not answer', { readAgainAt: 3_000, nextAttemptAt: 9_000 }, 3_000],
    [
      'a drain that is running is watched, not disturbed',
      { isDraining: true, nextAttemptAt: 5 },
      1_000 + DRAIN_WATCH_MS,
    ],
    ['paused or disabled: nothing to send', { isEnabled: false, nextAttemptAt: 5, readAgainAt: 5 }, null],
    ['its own events are nudged, whatever the status', { isEnabled: false, hasUnconfirmed: true }, 6_000],
    ['deleted: when its storage goes', { isEnabled: false, eraseAt: 70_000 }, 70_000],
  ])('%s', (_title, facts, at) => expect(nextAlarm({ ...idle, ...facts })).toBe(at))
})

test('a queue message that failed waits longer each time, 30 s at most', () => {
  expect([0, 1, 2, 3, 4, 5, 50].map(retryDelaySeconds)).toEqual([2, 2, 4, 8, 16, 30, 30])
})
