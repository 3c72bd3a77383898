import { createRoute } from '@hono/zod-openapi'
import { statusSchema } from '../../schema/http/status.ts'
import { requireScope } from '../auth/require-scope.ts'
import { bearer, json, problems } from '../http/describe.ts'
import { newRoutes } from '../http/new-routes.ts'
import { replyRefusal } from '../http/problem.ts'
import { readStatus } from './read-status.ts'

export const statusRoutes = newRoutes()

const status = createRoute({
  method: 'get',
  path: '/v1/admin/status',
  tags: ['Orders (staff)'],
  security: bearer('orders:read'),
  summary: 'What waits for a person',
  description:
    'Effects of orders that keep failing, and sources of events that were set aside. Needs `orders:read`.',
  middleware: [requireScope('orders:read')] as const,
  responses: {
    200: json('What a person should look at', statusSchema),
    ...problems('unauthorized', 'scope_missing', 'unavailable'),
  },
})

statusRoutes.openapi(status, async (c) => {
  const read = await readStatus(c.env, c.get('store'))
  return read.ok ? c.json(read.status, 200) : replyRefusal(c, read)
})
