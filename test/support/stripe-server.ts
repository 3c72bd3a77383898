import { createHmac } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { TestProject } from 'vitest/node'
import type { Fault } from './stripe-account.ts'
import { answerApi, bankDecides, type StripeReply } from './stripe-api.ts'
import { accountOf, newStripeId, type StripeBooks } from './stripe-books.ts'

/**
 * A server that speaks the part of Stripe's protocol that a checkout needs, as docs.stripe.com describes it: form-encoded
 * requests, idempotency keys, the life of a PaymentIntent, refunds, a bank's page for 3-D Secure, signed events, and faults
 * on demand. Every secret key is an account of its own, so tests do not see each other. Tests steer it below `/_test`.
 */
export async function startStripeServer(): Promise<{ url: string; close(): void }> {
  const server = createServer((request, response) => {
    answer(request, response).catch(() => response.destroy())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return {
    url,
    close() {
      server.closeAllConnections()
      server.close()
    },
  }
}

/** For tests in workerd: vitest starts it beside them (vitest.config.ts). */
export default async function serve(project: TestProject): Promise<() => void> {
  const server = await startStripeServer()
  project.provide('stripe', server.url)
  return server.close
}

declare module 'vitest' {
  interface ProvidedContext {
    stripe: string
  }
}

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const url = new URL(request.url ?? '/', `http://${request.headers.host}`)
  let text = ''
  for await (const chunk of request) text += chunk
  if (url.pathname.startsWith('/bank/')) return bankPage(url, text, response)
  const account = accountOf(/^Bearer (sk_test_\w+)$/.exec(request.headers.authorization ?? '')?.[1])
  if (!account) {
    const message = 'Invalid API Key provided: sk_test_***'
    return send(response, { status: 401, body: { error: { type: 'invalid_request_error', message } } })
  }
  if (url.pathname.startsWith('/_test/')) return steer(account, url, text, response)
  await answerWithFaults(account, request, url, text, response)
}

/** One call of the API, with what the test wants to go wrong. */
async function answerWithFaults(
  account: StripeBooks,
  request: IncomingMessage,
  url: URL,
  text: string,
  response: ServerResponse,
): Promise<void> {
  const method = request.method ?? 'GET'
  const fault = takeFault(account.faults, `${method} ${url.pathname}`)
  if (fault?.delayMs) await new Promise((resolve) => setTimeout(resolve, fault.delayMs))
  if (fault?.lost === 'request') return void response.destroy()
  const key = request.headers['idempotency-key']
  const reply = answerApi(account, {
    method,
    path: url.pathname,
    query: url.searchParams,
    contentType: request.headers['content-type'] ?? '',
    text,
    key: typeof key === 'string' ? key : null,
    origin: url.origin,
    status: fault?.status ?? null,
  })
  if (fault?.lost === 'answer') return void response.destroy()
  send(response, reply)
}

function takeFault(faults: Fault[], call: string): Fault | undefined {
  const fault = faults.find(({ on, times = 1 }) => times > 0 && new RegExp(on).test(call))
  if (fault) fault.times = (fault.times ?? 1) - 1
  return fault
}

function send(response: ServerResponse, { status, body, headers = {} }: StripeReply): void {
  const requestId = newStripeId('req')
  response
    .writeHead(status, { 'content-type': 'application/json', 'request-id': requestId, ...headers })
    .end(JSON.stringify(body))
}

/** What a shopper does at the bank: `POST outcome=succeeded|failed`; answers where the bank sends them. */
function bankPage(url: URL, text: string, response: ServerResponse): void {
  const outcome = new URLSearchParams(text).get('outcome') === 'succeeded' ? 'succeeded' : 'failed'
  const location = bankDecides(url.pathname.slice('/bank/'.length), outcome)
  send(response, location ? { status: 200, body: { location } } : { status: 410, body: { location: null } })
}

function steer(account: StripeBooks, url: URL, text: string, response: ServerResponse): void {
  if (url.pathname === '/_test/faults') {
    account.faults = JSON.parse(text)
    send(response, { status: 200, body: {} })
    return
  }
  if (url.pathname === '/_test/day-later') account.kept.clear()
  const { secret = '', at = Math.floor(Date.now() / 1000), event: made } = JSON.parse(text || '{}')
  if (made) {
    const event = { id: newStripeId('evt'), object: 'event', type: made.type, data: { object: made.object } }
    const body = JSON.stringify(event)
    send(response, { status: 200, body: { body, signature: signatureOf(body, secret, at) } })
    return
  }
  const events = account.events.map((event) => {
    const body = JSON.stringify(event, null, 2)
    return { type: event.type, body, signature: signatureOf(body, secret, at) }
  })
  const { intents, refunds, calls } = account
  send(response, { status: 200, body: { intents: [...intents.values()], refunds, calls, events } })
}

/** Scheme v1: HMAC-SHA256 of `{seconds}.{body}`, beside the v0 that test mode sends and nobody may believe. */
function signatureOf(body: string, secret: string, at: number): string {
  const v1 = createHmac('sha256', secret).update(`${at}.${body}`).digest('hex')
  return `t=${at},v1=${v1},v0=${'0'.repeat(64)}`
}
