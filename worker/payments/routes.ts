import { parsePaymentId } from '../../schema/ids.ts'
import { newRoutes } from '../http/new-routes.ts'
import { Problem } from '../http/problem.ts'
import { providerOf } from './providers.ts'
import { testActionPage } from './test-action-page.ts'

/** The providers' notifications are received by `checkout/notification-route.ts`, since they move a checkout. */
export const paymentsRoutes = newRoutes()

// A page for people at a development server, so not a part of the described API.
paymentsRoutes.get('/v1/payments/test/actions/:paymentId', (c) => {
  const paymentId = c.req.param('paymentId')
  if (!providerOf(c.env, 'test') || !parsePaymentId(paymentId)) throw new Problem('payment_not_found')
  return c.html(testActionPage(paymentId))
})
