import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Webhook } from 'standardwebhooks'

/** One HTTP try of the sender, as seen here. */
export interface ReceivedAttempt {
  /** `webhook-id`: the event's id, the same on every attempt. */
  id: string
  type: string
  subject: string
  sequence: number
  /** Whether one of the secrets signed exactly these bytes, by an implementation that is not ours. */
  isVerified: boolean
  /** What we answered: 204, or 500 when told to fail. */
  status: number
  receivedAt: number
  // biome-ignore lint/suspicious/noExplicitAny: whatever was sent
  body: any
}

export interface Receiver {
  url: string
  /** Every attempt in the order of arrival, refused ones included. */
  attempts: ReceivedAttempt[]
  /** Secrets tried for verification; add one when an endpoint is made or its secret rotated. */
  secrets: string[]
  /** So many attempts from now on are answered with 500. */
  fail(attempts: number): void
  close(): Promise<void>
}

export interface ReceiverOptions {
  /** 0 or absent: a free one. */
  port?: number
  secrets?: string[]
  /** The first so many attempts are answered with 500. */
  failFirst?: number
  onAttempt?: (attempt: ReceivedAttempt) => void
}

/** A small webhook receiver on loopback: reads, verifies by the `standardwebhooks` package, remembers, answers. */
export async function startReceiver(options: ReceiverOptions = {}): Promise<Receiver> {
  const attempts: ReceivedAttempt[] = []
  const secrets = [...(options.secrets ?? [])]
  let failuresLeft = options.failFirst ?? 0

  const server = createServer(async (request, response) => {
    if (request.method !== 'POST') {
      response.writeHead(405).end()
      return
    }
    const text = await readText(request)
    const status = failuresLeft-- > 0 ? 500 : 204
    const attempt = readAttempt(request, text, secrets, status)
    attempts.push(attempt)
    options.onAttempt?.(attempt)
    response.writeHead(status).end()
  })
  // The sender keeps connections open; without this the process would not end for a while.
  server.keepAliveTimeout = 1_000
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen({ port: options.port ?? 0, host: '127.0.0.1' }, resolve)
  })
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}/`,
    attempts,
    secrets,
    fail(count) {
      failuresLeft = count
    },
    close() {
      server.closeAllConnections()
      return new Promise((resolve) => server.close(() => resolve()))
    },
  }
}

function readAttempt(
  request: IncomingMessage,
  text: string,
  secrets: string[],
  status: number,
): ReceivedAttempt {
  const body = parse(text)
  return {
    id: String(request.headers['webhook-id'] ?? ''),
    type: String(body?.type ?? '?'),
    subject: String(body?.subject ?? '?'),
    sequence: Number(body?.sequence ?? Number.NaN),
    isVerified: secrets.some((secret) => isSignedBy(secret, text, request)),
    status,
    receivedAt: Date.now(),
    body,
  }
}

function isSignedBy(secret: string, text: string, request: IncomingMessage): boolean {
  try {
    new Webhook(secret).verify(text, request.headers as Record<string, string>)
    return true
  } catch {
    return false
  }
}

// biome-ignore lint/suspicious/noExplicitAny: whatever was sent
function parse(text: string): any {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}

async function readText(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks).toString('utf8')
}
