import { z } from '@hono/zod-openapi'
import { toIso } from '../../runtime/clock.ts'
import type { LoggedEvent } from './log-store.ts'

export const eventSchema = z
  .object({
    position: z.int().openapi({ description: 'Place in the log; the cursor of every reader.' }),
    id: z.string().openapi({ example: 'evt_01jd9v3w5mz8q1r2t3v4w5x6y7' }),
    type: z.string().openapi({ example: 'order.placed' }),
    store: z.string(),
    subject: z.string().openapi({ example: 'item:TEE-BLACK-M' }),
    sequence: z.int().openapi({ description: '1, 2, 3, ... within the subject, without a gap.' }),
    occurredAt: z.iso.datetime(),
    data: z.unknown().openapi({ description: 'By type; never personal data.' }),
  })
  .openapi('Event')

export function eventOnTheWire(event: LoggedEvent) {
  const { position, id, type, store, subject, sequence, occurredAt, data } = event
  return {
    position,
    id,
    type,
    store,
    subject,
    sequence,
    occurredAt: toIso(occurredAt),
    data: JSON.parse(data) as unknown,
  }
}
