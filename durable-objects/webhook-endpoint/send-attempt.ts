import { type EpochMs, now } from '../../runtime/clock.ts'
import type { Attempt, AttemptError } from '../../schema/rpc/webhook-endpoint.ts'
import { judgeAddress } from './address-policy.ts'
import { parseRetryAfter } from './retry-schedule.ts'
import { sign } from './signature.ts'

/** 15 s: Standard Webhooks 1.0.0 suggests 15 to 30 s; a receiver should take the event and work on it later. */
export const ATTEMPT_TIMEOUT_MS = 15_000

export interface Target {
  url: string
  secrets: readonly string[]
}

export interface AttemptResult extends Attempt {
  retryAfterMs: number | null
}

/** One HTTP try. Never throws: whatever goes wrong is the partner's fault with a name. The answer's body is not read. */
export async function sendAttempt(target: Target, eventId: string, body: string): Promise<AttemptResult> {
  const at = now()
  const verdict = judgeAddress(target.url, HOLDFAST_LOCAL)
  if (!verdict.ok) return { at, status: null, durationMs: 0, error: 'address_refused', retryAfterMs: null }
  // Not AbortSignal.timeout: its timer outlives the answer, and a pending timer keeps the object awake and billed.
  const limit = new AbortController()
  const timer = setTimeout(() => limit.abort(), ATTEMPT_TIMEOUT_MS)
  try {
    const headers = await headersOf(target, eventId, at, body)
    // A redirect could lead to an address that the policy refuses.
    const response = await fetch(verdict.url, {
      method: 'POST',
      redirect: 'manual',
      signal: limit.signal,
      headers,
      body,
    })
    await response.body?.cancel()
    return {
      at,
      status: response.status,
      durationMs: now() - at,
      error: errorOfStatus(response.status),
      retryAfterMs: retryAfterOf(response, now()),
    }
  } catch {
    const error = limit.signal.aborted ? 'timeout' : 'connection'
    return { at, status: null, durationMs: now() - at, error, retryAfterMs: null }
  } finally {
    clearTimeout(timer)
  }
}

async function headersOf({ secrets }: Target, id: string, at: EpochMs, body: string) {
  const timestamp = Math.floor(at / 1000)
  return {
    'content-type': 'application/json',
    'user-agent': 'Holdfast-Webhooks/1.0',
    'webhook-id': id,
    'webhook-timestamp': String(timestamp),
    'webhook-signature': await sign(secrets, id, timestamp, body),
  }
}

export function errorOfStatus(status: number): AttemptError | null {
  if (status >= 200 && status < 300) return null
  if (status === 410) return 'gone'
  return status >= 300 && status < 400 ? 'redirect' : 'status'
}

function retryAfterOf(response: Response, at: EpochMs): number | null {
  if (response.status !== 429 && response.status !== 503) return null
  return parseRetryAfter(response.headers.get('retry-after'), at)
}
