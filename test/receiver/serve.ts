import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { TestProject } from 'vitest/node'

/**
 * A partner's receiver on a real socket, beside the tests in workerd. Each test has its own by name: posts to `/hooks/{name}` are
 * answered by its rules (200 without one) and kept; `PUT /rules/{name}` sets the rules, `GET /received/{name}` answers what came.
 */
interface Rule {
  /** Only deliveries of this subject. */
  subject?: string
  status: number
  headers?: Record<string, string>
  delayMs?: number
  /** How often; without it, always. */
  times?: number
  /** Closes the connection in place of an answer. */
  isBroken?: boolean
}

interface Received {
  headers: Record<string, string | string[] | undefined>
  body: string
  at: number
  status: number
}

const rules = new Map<string, Rule[]>()
const received = new Map<string, Received[]>()

export default async function serve(project: TestProject): Promise<() => void> {
  const server = createServer((request, response) => {
    answer(request, response).catch(() => response.destroy())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  project.provide('receiver', `http://127.0.0.1:${(server.address() as AddressInfo).port}`)
  return () => {
    server.closeAllConnections()
    server.close()
  }
}

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const [, kind, name = ''] = (request.url ?? '').split('/')
  let body = ''
  for await (const chunk of request) body += chunk
  if (kind === 'rules') {
    rules.set(name, JSON.parse(body))
    response.end()
  } else if (kind === 'received') {
    response.setHeader('content-type', 'application/json').end(JSON.stringify(received.get(name) ?? []))
  } else {
    await receive(name, request, body, response)
  }
}

async function receive(name: string, request: IncomingMessage, body: string, response: ServerResponse) {
  const rule = takeRule(name, JSON.parse(body).subject)
  const status = rule?.status ?? 200
  received.set(name, [
    ...(received.get(name) ?? []),
    { headers: request.headers, body, at: Date.now(), status },
  ])
  if (rule?.delayMs) await new Promise((resolve) => setTimeout(resolve, rule.delayMs))
  if (rule?.isBroken) response.destroy()
  else response.writeHead(status, rule?.headers).end('not kept')
}

function takeRule(name: string, subject: string): Rule | undefined {
  const rule = rules
    .get(name)
    ?.find((one) => (one.subject ?? subject) === subject && (one.times === undefined || one.times > 0))
  if (rule?.times !== undefined) rule.times--
  return rule
}

declare module 'vitest' {
  interface ProvidedContext {
    receiver: string
  }
}
