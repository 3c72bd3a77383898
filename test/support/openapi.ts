import { call } from './api.ts'

/** A JSON Schema node, as far as the tests read it. */
export interface SchemaNode {
  $ref?: string
  type?: string | string[]
  properties?: Record<string, SchemaNode>
  items?: SchemaNode
  enum?: unknown[]
  anyOf?: SchemaNode[]
  allOf?: SchemaNode[]
}

export interface Operation {
  method: string
  path: string
  /** True when the route asks for a bearer key. */
  isStaff: boolean
  /** The scope that the description names; `root` for the root key. */
  scope: string | null
  pathParameters: string[]
  queryParameters: string[]
  /** The JSON body's schema; null when the route takes none. */
  body: SchemaNode | null
  statuses: number[]
  summary: string
  description: string
}

interface Document {
  paths: Record<string, Record<string, RawOperation>>
  components: { schemas: Record<string, SchemaNode> }
}

interface RawOperation {
  summary?: string
  description?: string
  security?: { bearer: string[] }[]
  parameters?: { name: string; in: string }[]
  requestBody?: { content?: Record<string, { schema: SchemaNode }> }
  responses: Record<string, unknown>
}

export const document = (await call<Document>('GET', '/openapi.json')).body

/** Every operation of the served description. */
export function operations(): Operation[] {
  return Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => toOperation(path, method, operation)),
  )
}

function toOperation(path: string, method: string, operation: RawOperation): Operation {
  const named = (place: string) =>
    (operation.parameters ?? []).filter((each) => each.in === place).map((each) => each.name)
  return {
    method: method.toUpperCase(),
    path,
    isStaff: (operation.security ?? []).length > 0,
    scope: operation.security?.[0]?.bearer[0] ?? null,
    pathParameters: [...path.matchAll(/\{([^}]+)\}/g)].map((match) => match[1]!),
    queryParameters: named('query'),
    body: operation.requestBody?.content?.['application/json']?.schema ?? null,
    statuses: Object.keys(operation.responses).map(Number),
    summary: operation.summary ?? '',
    description: operation.description ?? '',
  }
}

export function resolveSchema(node: SchemaNode): SchemaNode {
  const name = node.$ref?.split('/').pop()
  return name ? resolveSchema(document.components.schemas[name]!) : node
}
