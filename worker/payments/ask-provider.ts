import { errorText, log } from '../../runtime/log.ts'
import {
  type AuthorizeRequest,
  type AuthorizeResult,
  LEASE_MS,
  type PaymentRequest,
} from '../../schema/rpc/purchase.ts'
import type { PaymentProvider, SettleVerdict } from './provider.ts'
import { providerOf } from './providers.ts'

/** A second below the runner's lease: an answer that comes later would find the lease with another runner. */
export const PROVIDER_TIMEOUT_MS = LEASE_MS - 1_000

/** Asks the provider to authorize. A provider that fails, is silent or is not offered any more is `unavailable`. */
export function authorizePayment(env: Env, request: AuthorizeRequest): Promise<AuthorizeResult> {
  return ask<AuthorizeResult>(env, request, 'authorize', { outcome: 'unavailable' }, (provider) =>
    provider.authorize(request),
  )
}

/** True when the money is taken; false: not now, ask again. */
export async function capturePayment(env: Env, request: PaymentRequest): Promise<boolean> {
  const verdict = await ask<SettleVerdict>(env, request, 'capture', 'unavailable', (provider) =>
    provider.capture(request),
  )
  return isDone(verdict, request, 'capture')
}

/** True when the shopper has the money back, by a void or, where it was captured already, by a refund. */
export async function undoPayment(env: Env, request: PaymentRequest): Promise<boolean> {
  const voided = await ask<SettleVerdict | 'captured'>(env, request, 'void', 'unavailable', (provider) =>
    provider.void(request),
  )
  return voided === 'captured' ? refundPayment(env, request) : isDone(voided, request, 'void')
}

/** True when the amount, or this part of it, is on its way back to where it came from. */
export async function refundPayment(env: Env, request: PaymentRequest): Promise<boolean> {
  const refunded = await ask<SettleVerdict>(env, request, 'refund', 'unavailable', (provider) =>
    provider.refund(request),
  )
  return isDone(refunded, request, 'refund')
}

function isDone(verdict: SettleVerdict, { provider, paymentId }: PaymentRequest, what: string): boolean {
  if (verdict === 'refused')
    log('error', 'provider refuses; a person has to look', { provider, paymentId, what })
  return verdict === 'done'
}

async function ask<T>(
  env: Env,
  { provider: name, paymentId }: { provider: string; paymentId: string },
  what: string,
  unavailable: T,
  question: (provider: PaymentProvider) => Promise<T>,
): Promise<T> {
  const provider = providerOf(env, name)
  let timer: ReturnType<typeof setTimeout> | null = null
  try {
    if (!provider) throw new Error('this provider is not offered here')
    const silence = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error('no answer in time')), PROVIDER_TIMEOUT_MS)
    })
    return await Promise.race([question(provider), silence])
  } catch (error) {
    log('warn', 'payment provider unavailable', { provider: name, paymentId, what, error: errorText(error) })
    return unavailable
  } finally {
    clearTimeout(timer)
  }
}
