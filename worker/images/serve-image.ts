import { parseImageKey } from './image-key.ts'
import { parseRange } from './parse-range.ts'
import { typeOfExtension } from './recognize-image.ts'

/** The content is the name, so it never changes: a year, which is as long as a cache may be told. */
const IMMUTABLE = 'public, max-age=31536000, immutable'

/**
 * The bytes of `{store}/{file}`, whole or the one range asked for (RFC 9110, 14). The ETag is the content's digest, so
 * every copy of the deployment gives the same.
 */
export async function serveImage(env: Env, store: string, file: string, request: Request): Promise<Response> {
  const key = parseImageKey(`${store}/${file}`)
  if (!key) return absent()
  const name = `${store}/${file}`
  const head = request.headers.has('Range') ? await env.IMAGES.head(name) : null
  const range = head ? parseRange(request.headers.get('Range'), head.size) : null
  if (range === 'unsatisfiable') return unsatisfiable(head!.size)
  const object = await env.IMAGES.get(name, range ? { range } : {})
  if (!object) return absent()
  const headers = new Headers({
    'Content-Type': typeOfExtension(key.extension),
    'Content-Length': String(range ? range.length : object.size),
    'Cache-Control': IMMUTABLE,
    'Cache-Tag': `${store},${store}:images`,
    'Accept-Ranges': 'bytes',
    ETag: `"${key.sha256}"`,
    // What was uploaded is shown as an image and as nothing else, whatever is inside.
    'X-Content-Type-Options': 'nosniff',
    'Content-Security-Policy': "default-src 'none'; sandbox",
  })
  if (!range) return new Response(object.body, { headers })
  headers.set('Content-Range', `bytes ${range.offset}-${range.offset + range.length - 1}/${object.size}`)
  return new Response(object.body, { status: 206, headers })
}

function absent(): Response {
  return Response.json({ code: 'image_not_found' }, { status: 404, headers: { 'Cache-Control': 'no-store' } })
}

function unsatisfiable(size: number): Response {
  return Response.json(
    { code: 'range_not_satisfiable' },
    { status: 416, headers: { 'Cache-Control': 'no-store', 'Content-Range': `bytes */${size}` } },
  )
}
