import { HTTPException } from 'hono/http-exception'
import { errorText, log } from '../runtime/log.ts'
import { authRoutes } from './auth/routes.ts'
import { discountRoutes } from './carts/discount-routes.ts'
import { cartsRoutes } from './carts/routes.ts'
import { catalogueRoutes } from './catalogue/routes.ts'
import { notificationRoutes } from './checkout/notification-route.ts'
import { checkoutRoutes } from './checkout/routes.ts'
import { eventsRoutes } from './events/routes.ts'
import { openCors } from './http/cors.ts'
import { describe } from './http/describe-api.ts'
import { drainBody } from './http/drain-body.ts'
import { newRoutes } from './http/new-routes.ts'
import { noStoreByDefault } from './http/no-store.ts'
import { Problem, replyProblem } from './http/problem.ts'
import { requestId } from './http/request-id.ts'
import { isWeather } from './http/weather.ts'
import { imagesRoutes } from './images/routes.ts'
import { orderCommandRoutes } from './orders/command-routes.ts'
import { ordersRoutes } from './orders/routes.ts'
import { staffOrdersRoutes } from './orders/staff-routes.ts'
import { statusRoutes } from './orders/status-routes.ts'
import { paymentsRoutes } from './payments/routes.ts'
import { reconcileRoutes } from './reconcile/routes.ts'
import { arrivalRoutes } from './stock/arrival-routes.ts'
import { batchRoute } from './stock/batch-route.ts'
import { stockRoutes } from './stock/routes.ts'
import { transferRoutes } from './stock/transfer-routes.ts'
import { resolveStore } from './stores/resolve-store.ts'
import { storesRoutes } from './stores/routes.ts'
import { webhooksRoutes } from './webhooks/routes.ts'

/** The table of contents: every room, in the direction in which rooms may know each other. */
export const app = newRoutes()

app.use(drainBody, requestId, noStoreByDefault, openCors)
app.use('/v1/*', resolveStore)
app.use('/images/*', resolveStore)

for (const routes of [
  storesRoutes,
  authRoutes,
  eventsRoutes,
  imagesRoutes,
  stockRoutes,
  arrivalRoutes,
  batchRoute,
  transferRoutes,
  catalogueRoutes,
  paymentsRoutes,
  cartsRoutes,
  discountRoutes,
  checkoutRoutes,
  notificationRoutes,
  ordersRoutes,
  staffOrdersRoutes,
  orderCommandRoutes,
  statusRoutes,
  reconcileRoutes,
  webhooksRoutes,
]) {
  app.route('/', routes)
}

describe(app)

app.notFound((c) => replyProblem(c as never, new Problem('not_found')))

app.onError((error, c) => {
  if (error instanceof Problem) return replyProblem(c as never, error)
  if (error instanceof HTTPException && error.status < 500) {
    return replyProblem(c as never, new Problem('malformed_request'))
  }
  const problem = isWeather(error)
    ? new Problem('unavailable')
    : new Problem('internal_error', 'Something failed here; the request may be repeated.')
  log('error', 'request failed', {
    requestId: c.get('requestId'),
    method: c.req.method,
    route: c.req.routePath,
    code: problem.code,
    error: errorText(error),
  })
  return replyProblem(c as never, problem)
})
