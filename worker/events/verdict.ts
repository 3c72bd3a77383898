import type { Message } from '@cloudflare/workers-types'
import { log } from '../../runtime/log.ts'

/** What becomes of a queue message. Every consumer returns one for each message; one loop applies them. */
export type Verdict =
  | { do: 'done' }
  /** The weather was bad: once more, not before so many seconds have passed. */
  | { do: 'again'; reason: string }
  /** Trying again will not help; a person must look. */
  | { do: 'park'; reason: string }

export const DONE: Verdict = { do: 'done' }

/** The verdict of a message that woke several sources: asking again harms those that are done not at all. */
export function worstOf(verdicts: readonly Verdict[]): Verdict {
  const worst = (what: Verdict['do']) => verdicts.find((verdict) => verdict.do === what)
  return worst('again') ?? worst('park') ?? DONE
}

/** 2 s, 4 s, 8 s, ... at most 30 s: the source's own alarm nudges again anyway. */
export function retryDelaySeconds(attempts: number): number {
  return Math.min(2 ** Math.max(1, attempts), 30)
}

/** Acknowledges or retries a message on its own, so that one source's failure is not another's. */
export function applyVerdict(message: Pick<Message, 'attempts' | 'ack' | 'retry'>, verdict: Verdict): void {
  if (verdict.do === 'again') {
    message.retry({ delaySeconds: retryDelaySeconds(message.attempts) })
    return
  }
  if (verdict.do === 'park') log('error', 'a source is parked', { reason: verdict.reason })
  message.ack()
}
