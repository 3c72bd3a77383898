import { createRoute, z } from '@hono/zod-openapi'
import type { ProblemCode } from '../../schema/problems.ts'
import { handleSchema } from '../../schema/quantity.ts'
import { requireScope } from '../auth/require-scope.ts'
import type { App } from '../http/app-env.ts'
import { bearer, body, json, problems } from '../http/describe.ts'
import { jsonBody } from '../http/json-body.ts'
import { newRoutes } from '../http/new-routes.ts'
import { decodeCursor, encodeCursor, linkNext, pageOf, pageQuery } from '../http/paging.ts'
import { Problem, replyRefusal } from '../http/problem.ts'
import { putSetting, removeSetting } from './change-setting.ts'
import { reloadStore } from './load-store.ts'
import { SETTINGS_MAX, type SettingTable } from './settings-write-store.ts'
import type { Store } from './store.ts'

interface Kind<Body, Item extends { code: string }> {
  path: string
  noun: string
  table: SettingTable
  bodySchema: z.ZodType<Body>
  itemSchema: z.ZodType<Item>
  notFound: ProblemCode
  inUse: string | null
  itemsOf(store: Store): Item[]
  itemOf(code: string, body: Body): Item
  put(db: D1Database, store: string, item: Item): Promise<boolean>
  limitOf?(item: Item): number
}

/** The four routes of a kind of setting that is kept by code: PUT, GET, list and DELETE. */
export function settingRoutes<Body, Item extends { code: string }>(kind: Kind<Body, Item>): App {
  const { noun, notFound } = kind
  const routes = newRoutes()
  const path = `/v1/admin/${kind.path}` as const
  const common = { tags: ['Settings'], security: bearer('settings:write') }
  const staff = requireScope('settings:write')
  const codeParam = z.object({ code: z.string() })

  const put = createRoute({
    ...common,
    method: 'put',
    path: `${path}/{code}`,
    summary: `Set a ${noun}`,
    description: `Creates the ${noun} or replaces it whole. At most ${SETTINGS_MAX[kind.table]} a store. In force everywhere within 5 seconds.`,
    middleware: [staff, jsonBody(true)] as const,
    request: { params: z.object({ code: handleSchema }), body: body(kind.bodySchema) },
    responses: {
      200: json(`The ${noun}`, kind.itemSchema),
      ...settingProblems(
        'malformed_request',
        'malformed_json',
        'limit_reached',
        'body_too_large',
        'unsupported_media_type',
      ),
    },
  })
  routes.openapi(put, async (c) => {
    const item = kind.itemOf(c.req.valid('param').code, c.req.valid('json') as Body)
    const outcome = await putSetting(c.env, kind, c.get('store').ref.slug, item)
    return outcome.ok ? c.json(outcome.item, 200) : (replyRefusal(c, outcome) as never)
  })

  const get = createRoute({
    ...common,
    method: 'get',
    path: `${path}/{code}`,
    summary: `Read a ${noun}`,
    description: `As it is now, also when it was just changed elsewhere. 404 ${notFound} when there is none.`,
    middleware: [staff] as const,
    request: { params: codeParam },
    responses: { 200: json(`The ${noun}`, kind.itemSchema), ...settingProblems(notFound) },
  })
  routes.openapi(get, async (c) => {
    const store = await reloadStore(c.env, c.get('store').ref.slug)
    const item = store && kind.itemsOf(store).find(({ code }) => code === c.req.valid('param').code)
    if (!item) throw new Problem(notFound)
    return c.json(item, 200)
  })

  const list = createRoute({
    ...common,
    method: 'get',
    path,
    summary: `List the store's ${noun}s`,
    description: 'In the order of their codes, up to 100 a page.',
    middleware: [staff] as const,
    request: { query: z.object(pageQuery) },
    responses: {
      200: json('A page', pageOf(kind.itemSchema)),
      ...settingProblems('malformed_request', 'cursor_invalid'),
    },
  })
  routes.openapi(list, async (c) => {
    const { limit, cursor } = c.req.valid('query')
    const after = cursor === undefined ? '' : decodeCursor(cursor, ['string'] as const)[0]
    const store = (await reloadStore(c.env, c.get('store').ref.slug)) ?? c.get('store')
    const rest = kind
      .itemsOf(store)
      .filter(({ code }) => code > after)
      .sort((a, b) => (a.code < b.code ? -1 : 1))
    const items = rest.slice(0, limit)
    const nextCursor = rest.length > limit ? encodeCursor([items.at(-1)!.code]) : null
    linkNext(c, nextCursor)
    return c.json({ items, nextCursor }, 200)
  })

  const remove = createRoute({
    ...common,
    method: 'delete',
    path: `${path}/{code}`,
    summary: `Delete a ${noun}`,
    description: `204 also when it is not there.${kind.inUse ? ' 409 resource_in_use while it is in use.' : ''}`,
    middleware: [staff] as const,
    request: { params: codeParam },
    responses: { 204: { description: 'It is not there' }, ...settingProblems('resource_in_use') },
  })
  routes.openapi(remove, async (c) => {
    const outcome = await removeSetting(c.env, kind, c.get('store').ref.slug, c.req.valid('param').code)
    return outcome.ok ? c.body(null, 204) : (replyRefusal(c, outcome) as never)
  })
  return routes
}

function settingProblems(...codes: ProblemCode[]) {
  return problems('unauthorized', 'scope_missing', 'store_not_found', ...codes)
}
