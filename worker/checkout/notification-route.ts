import { createRoute, z } from '@hono/zod-openapi'
import type { Context } from 'hono'
import type { AppEnv } from '../http/app-env.ts'
import { json, problems } from '../http/describe.ts'
import { jsonBody } from '../http/json-body.ts'
import { newRoutes } from '../http/new-routes.ts'
import { Problem, replyRefusal } from '../http/problem.ts'
import type { NotificationVerdict } from '../payments/provider.ts'
import { providerOf } from '../payments/providers.ts'
import { testNotificationSchema } from '../payments/test-provider.ts'
import { notePayment } from './note-payment.ts'

/** Here and not in the payments room, because a notification moves a checkout. */
export const notificationRoutes = newRoutes()

const receive = createRoute({
  method: 'post',
  path: '/v1/payments/{provider}/webhook',
  tags: ['Payments'],
  summary: "Receive a payment provider's notification",
  description:
    'Each provider sends its own form and proves itself in its own way; the form shown is that of the provider `test`. Repeats are harmless. 200 once the note is written down; the order it leads to is there by then.',
  middleware: [jsonBody(true)] as const,
  request: {
    params: z.object({ provider: z.string() }),
    body: {
      required: true,
      content: {
        'application/json': {
          schema: z
            .looseObject({})
            .openapi({ oneOf: [{ $ref: '#/components/schemas/TestPaymentNotification' }] }),
        },
      },
    },
  },
  responses: {
    200: json('Taken', z.object({ received: z.literal(true) })),
    ...problems(
      'malformed_request',
      'malformed_json',
      'not_found',
      'payment_not_found',
      'body_too_large',
      'unsupported_media_type',
      'unavailable',
    ),
  },
})

notificationRoutes.openAPIRegistry.register('TestPaymentNotification', testNotificationSchema)

notificationRoutes.openapi(receive, async (c) => {
  const { provider } = c.req.valid('param')
  const verdict = await verdictOf(c, provider)
  if (verdict.kind === 'malformed') {
    throw new Problem('malformed_request', undefined, { errors: verdict.errors })
  }
  if (verdict.kind === 'payment') {
    const noting = notePayment(c.env, provider, verdict.notification, c.req.header('Holdfast-Store') ?? null)
    c.executionCtx.waitUntil(noting)
    const noted = await noting
    if (!noted.ok) return replyRefusal(c, noted)
  }
  return c.json({ received: true as const }, 200)
})

async function verdictOf(c: Context<AppEnv>, name: string): Promise<NotificationVerdict> {
  const provider = providerOf(c.env, name)
  if (!provider) throw new Problem('not_found', 'There is no such payment provider here.')
  return provider.parseNotification(c.req.raw.headers, await c.req.text())
}
