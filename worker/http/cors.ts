import { cors } from 'hono/cors'

/** Open: shopper routes carry their right in the address or in a header, never in a cookie. */
export const openCors = cors({
  origin: '*',
  allowMethods: ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'],
  allowHeaders: [
    'Content-Type',
    'Authorization',
    'Idempotency-Key',
    'If-None-Match',
    'If-Match',
    'Holdfast-Store',
    'Order-Token',
  ],
  exposeHeaders: ['Request-Id', 'Retry-After', 'ETag', 'Idempotency-Replayed', 'Link'],
  maxAge: 86_400,
})
