import { sha256Hex } from '../../runtime/digest.ts'

/** A strong ETag of a body: the first 128 bits of its SHA-256. */
export async function strongEtag(body: string): Promise<string> {
  return `"${(await sha256Hex(body)).slice(0, 32)}"`
}

/** Turns a full answer into 304 when `If-None-Match` names its ETag (RFC 9110, 13.1.2; weak comparison). */
export function answerConditional(request: Request, response: Response): Response {
  const wanted = request.headers.get('If-None-Match')
  const etag = response.headers.get('ETag')
  if (response.status !== 200 || !wanted || !etag) return response
  const names = wanted.split(',').map((name) => name.trim().replace(/^W\//, ''))
  if (!names.includes('*') && !names.includes(etag.replace(/^W\//, ''))) return response
  const headers = new Headers(response.headers)
  headers.delete('Content-Type')
  headers.delete('Content-Length')
  return new Response(null, { status: 304, headers })
}
