import { html } from 'hono/html'
import { isProblem, line, type Markup, problemLink, prose } from './docs-look.ts'
import { field, isLong, nameOf, outline, rowsOf, type SchemaNode, typeOf } from './schema-outline.ts'

interface Content {
  [mediaType: string]: { schema?: SchemaNode }
}

/** An operation of the description, as far as the page shows it. */
export interface Operation {
  tags?: string[]
  summary?: string
  description?: string
  security?: Record<string, string[]>[]
  parameters?: { name: string; in: string; required?: boolean; description?: string; schema?: SchemaNode }[]
  requestBody?: { required?: boolean; content: Content }
  responses: Record<string, { description: string; content?: Content }>
}

/** An operation with its place, and its anchor: what others link to, so it is made of nothing but these two. */
export interface Route extends Operation {
  id: string
  method: string
  path: string
}

export function toRoute(method: string, path: string, operation: Operation): Route {
  return {
    ...operation,
    id: `${method}${path.replaceAll(/[^A-Za-z0-9]+/g, '-')}`.replace(/-$/, ''),
    method,
    path,
  }
}

export const methodMark = (method: string) =>
  html`<span class="method ${method}">${method === 'delete' ? 'DEL' : method.toUpperCase()}</span>`

/** `bodies` are the named schemas that are shown with the one body that they describe. */
export function operationSection(route: Route, bodies: Record<string, SchemaNode>): Markup {
  const { id, method, path, summary, description, parameters = [] } = route
  return html`<section class="op" id="${id}">
<h3><a href="#${id}">${summary ?? path}</a></h3>
<p class="route"><span class="method ${method}">${method.toUpperCase()}</span> <code>${path}</code> ${credential(route)}</p>
${prose(description)}
${
  parameters.length > 0 &&
  html`<div class="part"><h4>Parameters</h4>
<ul class="fields">${parameters.map((each) =>
    field(
      each.name,
      { ...each.schema, description: each.description ?? each.schema?.description },
      !!each.required,
      each.in,
    ),
  )}</ul></div>`
}
${body(route, bodies)}
<div class="part"><h4>Answers</h4>
<ul class="fields">${Object.entries(route.responses).map(([status, answer]) => answerRow(status, answer))}</ul></div>
</section>
`
}

function credential({ security = [] }: Route): Markup | '' {
  if (security.length === 0) return ''
  const scopes = security.flatMap((each) => Object.values(each).flat())
  return html`<span class="note"><a href="#authentication">API key</a>${scopes.map((scope) => html` <code>${scope}</code>`)}</span>`
}

/** The fields stand here where this body is the only one of its schema, else the schema is linked. */
function body({ requestBody }: Route, bodies: Record<string, SchemaNode>): Markup | '' {
  if (!requestBody) return ''
  const schema = Object.values(requestBody.content)[0]?.schema ?? {}
  const name = nameOf(schema)
  const shown = name && bodies[name] ? bodies[name] : schema
  const note = html`<span class="note">${Object.keys(requestBody.content).join(', ')}${requestBody.required ? ', required' : ''}</span>`
  const rows = rowsOf(shown)
  if (rows === 0) return html`<div class="part"><h4>Body</h4> ${note} <p>${typeOf(schema)}</p></div>`
  const anchor = shown === schema ? '' : `schema-${name}`
  return html`<details class="part"${isLong(rows) ? '' : ' open'}><summary><h4>Body</h4> ${note} <span class="note">(${rows} fields)</span></summary>
<div${anchor && html` id="${anchor}"`}>${prose(shown.description)}${closed(shown)}${outline(shown)}</div></details>`
}

/** Says that unknown members are refused, where they are. */
export function closed(node: SchemaNode): Markup | '' {
  const forms = [node, ...(node.oneOf ?? node.anyOf ?? [])]
  return forms.some((each) => each.additionalProperties === false)
    ? html`<p class="note">Other members are refused.</p>`
    : ''
}

function answerRow(status: string, { description, content = {} }: Operation['responses'][string]): Markup {
  const [mediaType, { schema = undefined } = {}] = Object.entries(content)[0] ?? []
  const isRefusal = mediaType === 'application/problem+json'
  const mark = html`<span class="status ${isRefusal && 'refused'}">${status}</span>`
  if (isRefusal) return html`<li>${mark} ${codes(description)}</li>\n`
  const form =
    schema &&
    html`<span class="type">${mediaType !== 'application/json' && `${mediaType}, `}${typeOf(schema)}</span>`
  const isSmall = schema && rowsOf(schema) > 0
  return html`<li>${mark} ${line(description)} ${form} ${isSmall && outline(schema)}</li>\n`
}

/** `problems(...)` lists the codes of a status; anything else is a text. */
function codes(description: string): Markup {
  const list = description.split(', ')
  return list.every(isProblem)
    ? html`${list.map((code, index) => html`${index > 0 && ', '}${problemLink(code)}`)}`
    : line(description)
}
