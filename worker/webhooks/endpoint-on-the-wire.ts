import { z } from '@hono/zod-openapi'
import { toIso } from '../../runtime/clock.ts'
import { isTypeFilter } from '../../schema/event-types.ts'
import {
  ATTEMPT_ERRORS,
  type Attempt,
  DELIVERY_STATES,
  type Delivery,
  ENDPOINT_STATUSES,
  type Endpoint,
} from '../../schema/rpc/webhook-endpoint.ts'

/** Filters may overlap, so more than there are rooms and types say nothing new. */
const TYPES_MAX = 50
/** As an address of 2,000 characters is judged by the object; a longer text is not worth the trip. */
const URL_LENGTH_MAX = 2_000

export const typesSchema = z
  .array(z.string().max(100).refine(isTypeFilter, 'is not a known type, `prefix.*` of a known type, or `*`'))
  .min(1)
  .max(TYPES_MAX)
  .openapi({ example: ['order.*'] })

export const urlSchema = z.string().min(1).max(URL_LENGTH_MAX).openapi({
  example: 'https://partner.example.com/hooks',
  description:
    'https, port 443 or 8443, a public host by name: no IP address, no credentials, no private name.',
})

export const descriptionSchema = z
  .string()
  .max(500)
  .regex(/^[^\p{Cs}\0]*$/u, 'has a character that cannot be kept')
  .openapi({ pattern: '^[^\\p{Cs}\\0]*$' })

export const endpointSchema = z
  .object({
    id: z.string().openapi({ example: 'whe_01jd9v3w5mz8q1r2t3v4w5x6y7' }),
    url: z.string(),
    types: z.array(z.string()),
    description: z.string(),
    status: z.enum(ENDPOINT_STATUSES),
    disabledReason: z
      .enum(['gone', 'failing'])
      .nullable()
      .openapi({ description: '`gone`: it answered 410. `failing`: nothing but failures for 5 days.' }),
    createdAt: z.iso.datetime(),
    position: z
      .int()
      .openapi({ description: 'The log up to here is delivered or in the list of deliveries.' }),
    pending: z.int(),
    dead: z.int(),
  })
  .openapi('WebhookEndpoint')

export const createdSchema = endpointSchema
  .extend({
    secret: z.string().openapi({ example: 'whsec_...', description: 'Shown once. Signs deliveries.' }),
  })
  .openapi('WebhookEndpointCreated')

export const attemptSchema = z
  .object({
    at: z.iso.datetime(),
    status: z.int().nullable(),
    durationMs: z.int(),
    error: z.enum(ATTEMPT_ERRORS).nullable().openapi({ description: 'Null when it succeeded.' }),
  })
  .openapi('WebhookAttempt')

export const deliverySchema = z
  .object({
    eventId: z.string(),
    position: z.int(),
    type: z.string(),
    subject: z.string(),
    sequence: z.int(),
    state: z.enum(DELIVERY_STATES),
    attemptCount: z.int().openapi({ description: 'Since it was last scheduled anew.' }),
    nextAttemptAt: z.iso
      .datetime()
      .nullable()
      .openapi({ description: 'Null when settled, or waiting for an earlier event of its subject.' }),
    attempts: z.array(attemptSchema).openapi({ description: 'The last 10, newest first.' }),
  })
  .openapi('WebhookDelivery')

export function endpointOnTheWire({ cursor, createdAt, ...endpoint }: Endpoint) {
  return { ...endpoint, createdAt: toIso(createdAt), position: cursor }
}

export function attemptOnTheWire(attempt: Attempt) {
  return { ...attempt, at: toIso(attempt.at) }
}

export function deliveryOnTheWire({ attempts, history, nextAttemptAt, ...delivery }: Delivery) {
  return {
    ...delivery,
    attemptCount: attempts,
    nextAttemptAt: nextAttemptAt === null ? null : toIso(nextAttemptAt),
    attempts: history.map(attemptOnTheWire),
  }
}
