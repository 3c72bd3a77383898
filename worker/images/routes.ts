import { createRoute, z } from '@hono/zod-openapi'
import type { Context } from 'hono'
import { requireScope } from '../auth/require-scope.ts'
import type { AppEnv } from '../http/app-env.ts'
import { askCatalogue, replyCached } from '../http/ask-catalogue.ts'
import { bearer, json, problems } from '../http/describe.ts'
import { readBounded } from '../http/json-body.ts'
import { newRoutes } from '../http/new-routes.ts'
import { Problem } from '../http/problem.ts'
import { parseImageKey } from './image-key.ts'
import { putImage } from './put-image.ts'

export const imagesRoutes = newRoutes()

/** 10 MB: a photograph from a good camera. All of it is in memory while its digest is made, of 128 MB an isolate has. */
export const IMAGE_BYTES_MAX = 10 * 1024 * 1024

const binary = z.string().openapi({ type: 'string', format: 'binary' })
const IMAGE_TYPES = ['image/png', 'image/jpeg', 'image/webp', 'image/gif', 'image/avif']

const storedImageSchema = z
  .object({
    key: z.string(),
    url: z.string(),
    width: z.int(),
    height: z.int(),
    type: z.string(),
  })
  .openapi('StoredImage')

const put = createRoute({
  method: 'put',
  path: '/v1/admin/images/{name}',
  tags: ['Images'],
  summary: 'Upload an image',
  description:
    'The body is the file: PNG, JPEG, WebP, GIF or AVIF, told by its bytes and not by the Content-Type (else 415), up to 10 MB (else 413). The key is made from the content, so the same file has the same key, whatever `name` says; the name is for people. Put the key into the `media` of a product.',
  security: bearer('catalogue:write'),
  middleware: [requireScope('catalogue:write')] as const,
  request: { params: z.object({ name: z.string() }) },
  responses: {
    200: json('The image', storedImageSchema),
    ...problems(
      'unauthorized',
      'scope_missing',
      'store_not_found',
      'body_too_large',
      'unsupported_media_type',
    ),
  },
})
// The registry would validate a described body; this one is read here, bounded and raw.
const { middleware: _middleware, ...described } = put
imagesRoutes.openAPIRegistry.registerPath({
  ...described,
  request: {
    ...put.request,
    body: {
      required: true,
      content: Object.fromEntries(IMAGE_TYPES.map((type) => [type, { schema: binary }])),
    },
  },
})
imagesRoutes.openapi({ ...put, hide: true }, async (c) => {
  const bytes = await readBounded(c.req.raw, IMAGE_BYTES_MAX)
  const image = await putImage(c.env, c.get('store').ref.slug, bytes)
  if (!image)
    throw new Problem('unsupported_media_type', 'The body is no PNG, JPEG, WebP, GIF or AVIF image.')
  return c.json(image, 200)
})

const get = createRoute({
  method: 'get',
  path: '/images/{store}/{file}',
  tags: ['Images'],
  summary: 'Fetch an image',
  description:
    'Never changes under its address. Answers `If-None-Match` with 304 and one `Range` with 206 (or 416). `w` and `format` are taken and do not change the answer yet.',
  request: {
    params: z.object({ store: z.string(), file: z.string() }),
    query: z.object({ w: z.string().optional(), format: z.string().optional() }),
  },
  responses: {
    200: { description: 'The image', content: { 'image/*': { schema: binary } } },
    206: { description: 'The range asked for' },
    304: { description: 'It is the one that `If-None-Match` names' },
    ...problems('store_not_found', 'image_not_found', 'range_not_satisfiable'),
  },
})
imagesRoutes.openapi(get, async (c) => {
  const { store, file } = c.req.valid('param')
  return (await fetchImage(c, `${store}/${file}`)) as never
})
// The key as one encoded segment is the same image.
imagesRoutes.get('/images/:key', (c) => fetchImage(c, c.req.param('key')))

async function fetchImage(c: Context<AppEnv>, name: string): Promise<Response> {
  const key = parseImageKey(name)
  if (!key) throw new Problem('image_not_found')
  const range = c.req.header('Range')
  const condition = c.req.header('If-Range')
  // A range of a version that the client does not have would not fit to the rest of it (RFC 9110, 13.1.5).
  const isWanted = range !== undefined && (condition === undefined || condition === `"${key.sha256}"`)
  const segments = ['images', `${key.sha256}.${key.extension}`]
  return replyCached(c, await askCatalogue(key.store, segments, {}, isWanted ? { Range: range } : {}))
}
