import { describe, expect, test } from 'vitest'
import type { AuthorizeRequest } from '../../../schema/rpc/purchase.ts'
import { testProvider } from '../../../worker/payments/test-provider.ts'

const request: AuthorizeRequest = {
  provider: 'test',
  paymentId: 'pay_default.0123456789abcdefghjkmnpqrs00.1',
  token: 'tok_ok',
  returnUrl: null,
  amount: { amount: 1999, currency: 'EUR' },
  idempotencyKey: 'k',
}

describe('the test provider', () => {
  test.each([
    ['tok_ok', 'authorized'],
    ['tok_declined', 'declined'],
    ['tok_requires_action', 'requires_action'],
    ['tok_error', 'unavailable'],
    ['tok_of_another_provider', 'declined'],
    ['', 'declined'],
  ])('answers the token %j with %s, each time it is asked', async (token, outcome) => {
    const first = await testProvider.authorize({ ...request, token })
    expect(first.outcome).toBe(outcome)
    expect(await testProvider.authorize({ ...request, token })).toEqual(first)
  })

  test('sends the shopper of a payment that needs action to a page about that payment', async () => {
    const result = await testProvider.authorize({ ...request, token: 'tok_requires_action' })
    expect(result).toMatchObject({ url: `/v1/payments/test/actions/${request.paymentId}` })
  })

  test.each([
    [{}, ['/eventId', '/paymentId', '/outcome']],
    [{ eventId: 'e', paymentId: 'p', outcome: 'maybe' }, ['/outcome']],
    [{ eventId: 1, paymentId: 'p', outcome: 'failed' }, ['/eventId']],
  ])('refuses the notification %j and names the fields', async (body, paths) => {
    const verdict = await testProvider.parseNotification(new Headers(), JSON.stringify(body))
    expect(verdict).toMatchObject({ kind: 'malformed' })
    if (verdict.kind === 'malformed') expect(verdict.errors.map(({ path }) => path)).toEqual(paths)
  })
})
