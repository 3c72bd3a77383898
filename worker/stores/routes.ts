import { createRoute, z } from '@hono/zod-openapi'
import { putStoreSchema, storePatchSchema, storeSchema } from '../../schema/http/settings.ts'
import { handleSchema } from '../../schema/quantity.ts'
import { requireRoot, requireScope } from '../auth/require-scope.ts'
import { bearer, body, json, problems } from '../http/describe.ts'
import { jsonBody } from '../http/json-body.ts'
import { newRoutes } from '../http/new-routes.ts'
import { replyRefusal } from '../http/problem.ts'
import { reloadStore } from './load-store.ts'
import { patchStore } from './patch-store.ts'
import { presentStore } from './present-store.ts'
import { putStore } from './put-store.ts'
import { DISCOUNTS, LOCATIONS, MARKETS, SHIPPING_METHODS, TAX_RATES } from './setting-kinds.ts'
import { settingRoutes } from './setting-routes.ts'

export const storesRoutes = newRoutes()

const put = createRoute({
  method: 'put',
  path: '/v1/admin/stores/{slug}',
  tags: ['Settings'],
  summary: 'Make a store',
  description:
    'For the holder of the root key. A new store has location `main`, market `main` (EUR, every country, prices include tax, no rates) and shipping method `standard`, which is free. `jurisdiction` and `region` are fixed at creation: another value later is 409 jurisdiction_conflict. `hostnames` are replaced whole; one that another store has is 409 resource_in_use.',
  security: bearer('root'),
  middleware: [requireRoot, jsonBody(true)] as const,
  request: { params: z.object({ slug: handleSchema }), body: body(putStoreSchema) },
  responses: {
    200: json('The store', storeSchema),
    ...problems(
      'malformed_request',
      'malformed_json',
      'unauthorized',
      'scope_missing',
      'jurisdiction_conflict',
      'resource_in_use',
      'body_too_large',
      'unsupported_media_type',
    ),
  },
})
storesRoutes.openapi(put, async (c) => {
  const outcome = await putStore(c.env, c.req.valid('param').slug, c.req.valid('json'))
  return outcome.ok ? c.json(presentStore(outcome.store), 200) : (replyRefusal(c, outcome) as never)
})

const get = createRoute({
  method: 'get',
  path: '/v1/admin/store',
  tags: ['Settings'],
  summary: "Read the store's settings",
  description: 'As they are now. Markets, locations, tax rates and shipping methods have lists of their own.',
  security: bearer('settings:write'),
  middleware: [requireScope('settings:write')] as const,
  responses: {
    200: json('The store', storeSchema),
    ...problems('unauthorized', 'scope_missing', 'store_not_found'),
  },
})
storesRoutes.openapi(get, async (c) => {
  const store = await reloadStore(c.env, c.get('store').ref.slug)
  return c.json(presentStore(store ?? c.get('store')), 200)
})

const patch = createRoute({
  method: 'patch',
  path: '/v1/admin/store',
  tags: ['Settings'],
  summary: "Change the store's settings",
  description:
    'Members that are absent stay. `holdTtlSeconds` counts for holds made after it. In force everywhere within 5 seconds.',
  security: bearer('settings:write'),
  middleware: [requireScope('settings:write'), jsonBody(true)] as const,
  request: { body: body(storePatchSchema) },
  responses: {
    200: json('The store', storeSchema),
    ...problems(
      'malformed_request',
      'malformed_json',
      'unauthorized',
      'scope_missing',
      'store_not_found',
      'market_not_found',
      'body_too_large',
      'unsupported_media_type',
    ),
  },
})
storesRoutes.openapi(patch, async (c) => {
  const outcome = await patchStore(c.env, c.get('store').ref.slug, c.req.valid('json'))
  return outcome.ok ? c.json(presentStore(outcome.store), 200) : (replyRefusal(c, outcome) as never)
})

storesRoutes.route('/', settingRoutes(MARKETS))
storesRoutes.route('/', settingRoutes(LOCATIONS))
storesRoutes.route('/', settingRoutes(TAX_RATES))
storesRoutes.route('/', settingRoutes(SHIPPING_METHODS))
storesRoutes.route('/', settingRoutes(DISCOUNTS))
