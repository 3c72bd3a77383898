import { inject } from 'vitest'

declare module 'vitest' {
  interface ProvidedContext {
    receiver: string
  }
}

/** How a receiver answers: the first rule that fits; 200 without one (test/receiver/serve.ts). */
export interface Rule {
  subject?: string
  status: number
  headers?: Record<string, string>
  delayMs?: number
  times?: number
  isBroken?: boolean
}

export interface Received {
  headers: Record<string, string>
  /** As it was sent: what the signature is over. */
  body: string
  at: number
  /** What it was answered with. */
  status: number
  event: { type: string; id: string; subject: string; sequence: number; position: number; data: unknown }
}

/** A partner's receiver of its own for one test. */
export function newReceiver() {
  const name = crypto.randomUUID()
  const base = inject('receiver')
  return {
    url: `${base}/hooks/${name}`,
    async answerWith(...rules: Rule[]): Promise<void> {
      await fetch(`${base}/rules/${name}`, { method: 'PUT', body: JSON.stringify(rules) })
    },
    /** Every attempt that reached it, in order of arrival. */
    async received(): Promise<Received[]> {
      const all = await (await fetch(`${base}/received/${name}`)).json<Omit<Received, 'event'>[]>()
      return all.map((one) => ({ ...one, event: JSON.parse(one.body) }))
    },
  }
}
