import { html } from 'hono/html'
import { line, type Markup, prose } from './docs-look.ts'

/** A JSON Schema node, as far as the description uses the language. */
export interface SchemaNode {
  $ref?: string
  type?: string | string[]
  properties?: Record<string, SchemaNode>
  required?: string[]
  additionalProperties?: boolean | SchemaNode
  items?: SchemaNode
  anyOf?: SchemaNode[]
  oneOf?: SchemaNode[]
  allOf?: SchemaNode[]
  enum?: unknown[]
  const?: unknown
  minLength?: number
  maxLength?: number
  minimum?: number
  maximum?: number
  minItems?: number
  maxItems?: number
  format?: string
  pattern?: string
  default?: unknown
  example?: unknown
  description?: string
}

/** More rows or values than this are folded away under their number. */
const FOLDED_ABOVE = 20

/** The members of a schema as a nested list; nothing where it has none of its own (a scalar, a named schema). */
export function outline(node: SchemaNode): Markup | '' {
  const inner = elementOf(node)
  if (inner) return outline(inner)
  if (node.allOf) return html`${node.allOf.map(outline)}`
  const choices = (node.anyOf ?? node.oneOf ?? []).filter((each) => rowsOf(each) > 0)
  if (choices.length === 1) return outline(choices[0]!)
  if (choices.length > 1)
    return html`${choices.map((each, index) => choice(each, `${index + 1} of ${choices.length}`))}`
  const members = Object.entries(node.properties ?? {})
  if (members.length === 0) return ''
  const required = new Set(node.required)
  return html`<ul class="fields">${members.map(([name, member]) => field(name, member, required.has(name)))}</ul>`
}

/** One row: a member or a parameter, `place` saying where a parameter goes. */
export function field(name: string, node: SchemaNode, isRequired: boolean, place = ''): Markup {
  return html`<li><code class="name">${name}</code> <span class="type">${place && `${place}, `}${typeOf(node)}</span>
${isRequired && html`<span class="must">required</span>`} ${facts(node)} ${prose(node.description)} ${folded(node)}</li>
`
}

/** What a value is, in a few words; a named schema is a link to it. */
export function typeOf(node: SchemaNode): Markup | string {
  const name = nameOf(node)
  if (name) return html`<a href="#schema-${name}">${name}</a>`
  const inner = elementOf(node)
  const orNull = Array.isArray(node.type) && node.type.includes('null') ? ' or null' : ''
  if (inner) return html`${node.items ? 'array of' : 'map of'} ${typeOf(inner)}${orNull}`
  if (node.allOf)
    return joined(
      node.allOf.map((each) => (nameOf(each) ? typeOf(each) : 'more')),
      ' and ',
    )
  const choices = node.anyOf ?? node.oneOf
  if (choices) return joined(choices.map(limitedType), ' or ')
  return [node.type ?? 'anything'].flat().join(' or ')
}

/** How many rows `outline` has, the nested ones included. */
export function rowsOf(node: SchemaNode): number {
  const inner = elementOf(node)
  if (inner) return rowsOf(inner)
  const parts = [...(node.allOf ?? node.anyOf ?? node.oneOf ?? []), ...Object.values(node.properties ?? {})]
  return Object.keys(node.properties ?? {}).length + parts.reduce((sum, each) => sum + rowsOf(each), 0)
}

/** The name of a schema of the description, or null for one that is written in place. */
export function nameOf(node: SchemaNode): string | null {
  return node.$ref?.split('/').pop() ?? null
}

export const isLong = (rows: number) => rows > FOLDED_ABOVE

/** What an array or a map holds. */
function elementOf(node: SchemaNode): SchemaNode | null {
  if (node.items) return node.items
  const values = node.additionalProperties
  return typeof values === 'object' && Object.keys(values).length > 0 ? values : null
}

function folded(node: SchemaNode): Markup | '' {
  const rows = rowsOf(node)
  if (!isLong(rows)) return outline(node)
  return html`<details><summary>${rows} fields</summary>${outline(node)}</details>`
}

/** One of several forms, told by the members that have a single value in it. */
function choice(node: SchemaNode, place: string): Markup {
  const told = Object.entries(node.properties ?? {}).flatMap(([name, member]) =>
    member.enum?.length === 1 ? [html`<code>${name}: ${JSON.stringify(member.enum[0])}</code>`] : [],
  )
  return html`<p class="note">Form ${place}${told.length > 0 && html`, with ${joined(told, ', ')}`}:</p>
<div class="choice">${outline(node)}</div>`
}

/** A type with its limits in brackets, for where several stand in one row. */
function limitedType(node: SchemaNode): Markup {
  const list = nameOf(node) ? [] : limitsOf(node)
  return html`${typeOf(node)}${list.length > 0 && html` (${joined(list, '; ')})`}`
}

function facts(node: SchemaNode): Markup | '' {
  const list = limitsOf(node)
  return list.length === 0 ? '' : html`<div class="facts">${joined(list, '; ')}</div>`
}

/** Limits, values, default and example; those of the elements after "each". */
function limitsOf(node: SchemaNode): (Markup | string)[] {
  const inner = elementOf(node)
  const ofEach = inner && !nameOf(inner) ? factsOf(inner) : []
  return ofEach.length === 0 ? factsOf(node) : [...factsOf(node), html`each ${joined(ofEach, ', ')}`]
}

function factsOf(node: SchemaNode): (Markup | string)[] {
  return [
    values(node.const === undefined ? (node.enum ?? []) : [node.const]),
    range(node.minLength, node.maxLength, ' characters'),
    range(node.minimum, node.maximum, ''),
    range(node.minItems, node.maxItems, ' items'),
    node.format === 'binary' ? '' : (node.format ?? ''),
    node.pattern ? html`like <code>${node.pattern}</code>` : '',
    node.default === undefined ? '' : html`default <code>${JSON.stringify(node.default)}</code>`,
    node.example === undefined ? '' : html`e.g. <code>${JSON.stringify(node.example)}</code>`,
  ].filter((fact) => fact !== '')
}

function values(list: unknown[]): Markup | '' {
  if (list.length === 0) return ''
  const shown = joined(
    list.map((value) => line(`\`${String(value)}\``)),
    ', ',
  )
  return isLong(list.length)
    ? html`<details><summary>one of ${list.length} values</summary>${shown}</details>`
    : html`${list.length > 1 && 'one of '}${shown}`
}

/** "1 to 100 characters", "up to 20 items", "at least 0". */
function range(least: number | undefined, most: number | undefined, unit: string): string {
  if (most === undefined) return least === undefined ? '' : `at least ${figure(least)}${unit}`
  return least === undefined ? `up to ${figure(most)}${unit}` : `${figure(least)} to ${figure(most)}${unit}`
}

const figure = (value: number) => value.toLocaleString('en')

function joined(list: (Markup | string)[], between: string): Markup {
  return html`${list.map((each, index) => html`${index > 0 && between}${each}`)}`
}
