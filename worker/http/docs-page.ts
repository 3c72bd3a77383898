import { html } from 'hono/html'
import { SCOPES } from '../../schema/event-types.ts'
import { PROBLEMS } from '../../schema/problems.ts'
import { line, type Markup, page, prose } from './docs-look.ts'
import {
  closed,
  methodMark,
  type Operation,
  operationSection,
  type Route,
  toRoute,
} from './docs-operation.ts'
import { nameOf, outline, type SchemaNode, typeOf } from './schema-outline.ts'

/** The OpenAPI document, as far as the page shows it. */
export interface ApiDescription {
  info: { title: string; version: string; description?: string }
  paths: Record<string, Record<string, Operation>>
  components: {
    schemas: Record<string, SchemaNode>
    securitySchemes: Record<string, { description?: string }>
  }
}

/** The way of the goods: what a shopper does, what staff does for it, who else hears of it. New tags come last. */
const READERS: [who: string, tags: string[]][] = [
  ['Shoppers', ['Shop', 'Carts', 'Checkout', 'Orders', 'Customers']],
  [
    'Staff',
    ['Catalogue', 'Imports', 'Images', 'Stock', 'Orders (staff)', 'Customers (staff)', 'Settings', 'Keys'],
  ],
  ['Partners', ['Events', 'Webhooks', 'Payments']],
]

/** `/docs`: the whole description on one page, without a script and without anything from elsewhere. */
export function docsPage(api: ApiDescription): string {
  const tags = byTag(api)
  const { alone, shared } = homesOf(api)
  const main = html`<h1>${api.info.title}</h1>
<p class="note">Version ${api.info.version}. For machines: <a href="/openapi.json">/openapi.json</a> (OpenAPI 3.1).
Every refusal: <a href="/docs/errors">/docs/errors</a>.</p>
${prose(api.info.description)}
<section id="authentication"><h2>Authentication</h2>
${Object.values(api.components.securitySchemes).map((scheme) => prose(scheme.description))}
<p>Scopes: ${SCOPES.map((scope, index) => html`${index > 0 && ', '}<code>${scope}</code>`)}.</p></section>
${[...tags].map(
  ([tag, routes]) => html`<section id="${tagId(tag)}"><h2>${tag}</h2>
${routes.map((route) => operationSection(route, alone))}</section>
`,
)}
<section id="schemas"><h2>Schemas</h2>
${Object.entries(shared).map(schemaSection)}</section>`
  return page(`${api.info.title} API`, contents(api, tags), main)
}

/** `/docs/errors`: the closed list of problem codes, each at `#code`, where `type` of a problem points. */
export function errorsPage(): string {
  const codes = Object.entries(PROBLEMS).sort(([, a], [, b]) => a.status - b.status)
  const statuses = Map.groupBy(codes, ([, problem]) => problem.status)
  const nav = html`<a class="home" href="/docs">Holdfast</a>
<p class="who">Problem codes</p><ul>${[...statuses.keys()].map(
    (status) => html`<li class="tag"><a href="#status-${status}">${status}</a></li>`,
  )}</ul>`
  const main = html`<h1>Problem codes</h1>
<p>Every refusal is <code>application/problem+json</code> (RFC 9457). Its <code>code</code> is one of these; a code keeps its
meaning and its status for good, and new ones may come. The text says what to do next.</p>
${[...statuses].map(
  ([status, list]) => html`<section id="status-${status}"><h2>${status}</h2><dl>
${list.map(
  ([code, { title, next }]) => html`<div class="code" id="${code}"><dt><code class="name">${code}</code></dt>
<dd>${title}.</dd><dd class="note">${line(next)}</dd></div>
`,
)}</dl></section>`,
)}`
  return page('Holdfast: problem codes', nav, main)
}

function byTag(api: ApiDescription): Map<string, Route[]> {
  const routes = Object.entries(api.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => toRoute(method, path, operation)),
  )
  const order = READERS.flatMap(([, tags]) => tags)
  const place = (tag: string) => (order.includes(tag) ? order.indexOf(tag) : order.length)
  return new Map([...Map.groupBy(routes, tagOf)].sort(([a], [b]) => place(a) - place(b)))
}

const tagOf = ({ tags = [] }: Route) => tags[0] ?? 'Others'

const tagId = (tag: string) => `tag-${tag.replaceAll(/[^A-Za-z0-9]+/g, '-').replace(/-$/, '')}`

/**
 * Where each named schema is shown: with the body that it describes if nothing else names it, else in the section of
 * schemas, which everything links to. Shown wherever it is named, the page would be many times as long.
 */
function homesOf(api: ApiDescription) {
  const uses = new Map<string, number>()
  for (const [, name] of JSON.stringify(api).matchAll(/"#\/components\/schemas\/([^"]+)"/g)) {
    uses.set(name!, (uses.get(name!) ?? 0) + 1)
  }
  const operations = Object.values(api.paths).flatMap((methods) => Object.values(methods))
  const bodies = new Set(
    operations.flatMap(({ requestBody }) =>
      Object.values(requestBody?.content ?? {}).map(({ schema }) => schema && nameOf(schema)),
    ),
  )
  const named = Object.entries(api.components.schemas).sort(([a], [b]) => (a < b ? -1 : 1))
  const isAlone = ([name]: [string, SchemaNode]) => bodies.has(name) && uses.get(name) === 1
  return {
    alone: Object.fromEntries(named.filter(isAlone)),
    shared: Object.fromEntries(named.filter((each) => !isAlone(each))),
  }
}

function schemaSection([name, node]: [string, SchemaNode]): Markup {
  return html`<section class="schema" id="schema-${name}"><h3><a href="#schema-${name}">${name}</a></h3>
<p class="note">${typeOf(node)}</p>${prose(node.description)}${closed(node)}${outline(node)}</section>
`
}

function contents(api: ApiDescription, tags: Map<string, Route[]>): Markup {
  const known = READERS.flatMap(([, list]) => list)
  const others = [...tags.keys()].filter((tag) => !known.includes(tag))
  const groups = [...READERS, ['Others', others] as const]
    .map(([who, list]) => [who, list.filter((tag) => tags.has(tag))] as const)
    .filter(([, list]) => list.length > 0)
  return html`<a class="home" href="/docs">${api.info.title}</a>
<p class="who">Start</p><ul><li class="tag"><a href="#authentication">Authentication</a></li>
<li class="tag"><a href="/docs/errors">Problem codes</a></li><li class="tag"><a href="#schemas">Schemas</a></li></ul>
${groups.map(
  ([who, list]) =>
    html`<p class="who">${who}</p><ul>${list.map(
      (tag) =>
        html`<li class="tag"><a href="#${tagId(tag)}">${tag}</a><ul>${tags.get(tag)!.map(
          (
            route,
          ) => html`<li><a href="#${route.id}">${methodMark(route.method)}<span>${route.summary ?? route.path}</span></a></li>
`,
        )}</ul></li>`,
    )}</ul>`,
)}`
}
