import { expect, test } from 'vitest'
import { PROBLEMS } from '../../../schema/problems.ts'
import { PAGE_POLICY, page, prose } from '../../../worker/http/docs-look.ts'
import { type ApiDescription, docsPage } from '../../../worker/http/docs-page.ts'
import { type Call, call } from '../../support/api.ts'
import { document, operations } from '../../support/openapi.ts'

const get = (path: string, options: Call = {}) => call<string>('GET', path, options)
const docs = (await get('/docs')).body
const errors = (await get('/docs/errors')).body
const pages = { '/docs': docs, '/docs/errors': errors }
const found = (text: string, pattern: RegExp) => [...text.matchAll(pattern)].map((match) => match[1]!)
const escaped = (text: string) =>
  text.replaceAll('&', '&amp;').replaceAll("'", '&#39;').replaceAll('"', '&quot;')

test('every operation of the description is on the page, with its method, path, summary and parameters', () => {
  const sections = docs.split('<section class="op"').slice(1)
  expect(sections).toHaveLength(operations().length)
  for (const { method, path, summary, pathParameters, queryParameters } of operations()) {
    const route = `>${method}</span> <code>${path}</code>`
    const section = sections.find((each) => each.includes(route))
    expect(section, `${method} ${path}`).toContain(`>${escaped(summary)}</a></h3>`)
    for (const name of [...pathParameters, ...queryParameters]) {
      expect(section, `${method} ${path}`).toContain(`<code class="name">${name}</code>`)
    }
  }
})

test('an operation keeps its anchor: it is made of its method and path alone', () => {
  expect(docs).toContain('id="post-v1-carts-cartId-checkout"')
  expect(docs).toContain('id="get-v1-products"')
})

test('every schema of the description is shown once', () => {
  const shown = found(docs, /id="schema-([^"]+)"/g)
  expect(shown.sort()).toEqual(Object.keys(document.components.schemas).sort())
})

test('every problem code stands at its anchor in /docs/errors, and is linked from /docs where it is answered', () => {
  expect(found(errors, /class="code" id="([^"]+)"/g).sort()).toEqual(Object.keys(PROBLEMS).sort())
  const answered = Object.values(document.paths).flatMap((methods) =>
    Object.values(methods).flatMap(({ responses }) =>
      Object.values(responses as Record<string, { description: string }>).flatMap(({ description }) =>
        description.split(', ').filter((word) => Object.hasOwn(PROBLEMS, word)),
      ),
    ),
  )
  const linked = new Set(found(docs, /href="\/docs\/errors#([^"]+)"/g))
  expect(answered.filter((code) => !linked.has(code))).toEqual([])
  expect([...linked].filter((code) => !Object.hasOwn(PROBLEMS, code))).toEqual([])
})

test('a shopper reads first what a shopper does', () => {
  const tags = found(docs, /<section id="tag-([^"]+)"/g)
  expect(tags.slice(0, 3)).toEqual(['Shop', 'Carts', 'Checkout'])
  expect(tags.indexOf('Webhooks')).toBeGreaterThan(tags.indexOf('Catalogue'))
})

test.each(Object.entries(pages))('%s loads nothing and runs nothing', (_path, text) => {
  expect(text).not.toMatch(/<(script|link|img|iframe|object|embed|base|form)\b/i)
  expect(text).not.toMatch(/\s(src|srcset|on\w+|style)=|@import|url\(|javascript:/i)
  expect(found(text, /<a [^>]*href="([^"]*)"/g).filter((href) => !/^(#|\/(?!\/))/.test(href))).toEqual([])
})

test.each(Object.entries(pages))(
  '%s: each id is there once, and each link within the page has its id',
  (_path, text) => {
    const ids = found(text, /\sid="([^"]+)"/g)
    expect(ids).toHaveLength(new Set(ids).size)
    expect(found(text, /href="#([^"]+)"/g).filter((id) => !ids.includes(id))).toEqual([])
  },
)

test.each(Object.entries(pages))('%s has its headings in order', (_path, text) => {
  const levels = found(text, /<h([1-6])[ >]/g).map(Number)
  expect(levels[0]).toBe(1)
  expect(levels.filter((level) => level === 1)).toHaveLength(1)
  expect(levels.filter((level, index) => index > 0 && level > levels[index - 1]! + 1)).toEqual([])
  expect(text).toContain('<html lang="en">')
})

test('no text of the description becomes markup', () => {
  const evil = '<script>alert(1)</script>"\'&`<b>`'
  const node = { type: 'object', properties: { [evil]: { enum: [evil], example: evil, description: evil } } }
  const operation = {
    tags: [evil],
    summary: evil,
    description: evil,
    parameters: [{ name: evil, in: evil, description: evil, schema: { pattern: evil } }],
    requestBody: { content: { [evil]: { schema: node } } },
    responses: { '200': { description: evil, content: { [evil]: { schema: node } } } },
  }
  const api: ApiDescription = {
    info: { title: evil, version: evil, description: evil },
    paths: { [`/${evil}`]: { get: operation } },
    components: { schemas: { [evil]: node }, securitySchemes: { bearer: { description: evil } } },
  }
  const text = docsPage(api)
  expect(text).not.toMatch(/<script|<b>/)
  expect(text).toContain('&lt;script&gt;alert(1)&lt;/script&gt;')
  expect(found(text, /\sid="([^"]*)"/g)).toContain('get-script-alert-1-script-b')
})

const WORDS =
  '$ref type properties required additionalProperties items anyOf oneOf allOf enum const minLength maxLength minimum ' +
  'maximum minItems maxItems format pattern default example description'

test('the description uses no word of JSON Schema that the outline cannot show', () => {
  const known = new Set(WORDS.split(' '))
  const unknown = new Set<string>()
  const visit = (node: Record<string, any>) => {
    for (const word of Object.keys(node)) if (!known.has(word)) unknown.add(word)
    const { properties = {}, items, additionalProperties: rest, anyOf = [], oneOf = [], allOf = [] } = node
    for (const below of [...Object.values(properties), items, rest, ...anyOf, ...oneOf, ...allOf]) {
      if (below && typeof below === 'object') visit(below as Record<string, any>)
    }
  }
  const find = (node: unknown) => {
    if (!node || typeof node !== 'object') return
    for (const [name, child] of Object.entries(node)) name === 'schema' ? visit(child) : find(child)
  }
  find(document.paths)
  Object.values(document.components.schemas).forEach(visit)
  expect([...unknown]).toEqual([])
})

test('a schema that names itself is linked, not followed', () => {
  const tree = {
    type: 'object',
    properties: { below: { type: 'array', items: { $ref: '#/components/schemas/Tree' } } },
  }
  const api: ApiDescription = {
    info: { title: 'T', version: '1' },
    paths: {},
    components: { schemas: { Tree: tree }, securitySchemes: {} },
  }
  expect(docsPage(api)).toContain('array of <a href="#schema-Tree">Tree</a>')
})

test('a word of a text is a link only where it is a problem code', () => {
  const text = String(prose('409 sku_conflict, or `unavailable`; else unavailable_soon is unavailable.'))
  expect(found(text, /href="([^"]+)"/g)).toEqual(['/docs/errors#sku_conflict', '/docs/errors#unavailable'])
  expect(page('a < b', prose('x') as never, prose('y') as never)).toContain('<title>a &lt; b</title>')
})

test.each(Object.keys(pages))(
  '%s may be kept by anyone for five minutes and is then asked for by its ETag',
  async (path) => {
    const full = await get(path)
    expect(full.status).toBe(200)
    expect(full.headers.get('Content-Type')).toBe('text/html; charset=utf-8')
    expect(full.headers.get('Cache-Control')).toBe('public, max-age=300')
    expect(full.headers.get('Content-Security-Policy')).toBe(PAGE_POLICY)
    const etag = full.headers.get('ETag')!
    expect(etag).toMatch(/^"[0-9a-f]{32}"$/)
    const again = await get(path, { headers: { 'If-None-Match': etag } })
    expect([again.status, again.body]).toEqual([304, null])
    expect((await get(path, { headers: { 'If-None-Match': '"other"' } })).status).toBe(200)
  },
)

test('the pages stay small: all of the API in less than 500 KB', () => {
  expect(new TextEncoder().encode(docs).byteLength).toBeLessThan(500_000)
  expect(new TextEncoder().encode(errors).byteLength).toBeLessThan(50_000)
})
