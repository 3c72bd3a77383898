import Stripe from 'stripe'
import { now } from '../../runtime/clock.ts'
import { log } from '../../runtime/log.ts'
import { parsePaymentId } from '../../schema/ids.ts'
import type { NotificationVerdict, PaymentNotification } from './provider.ts'

/** Five minutes, as Stripe's own libraries take: an older signature may be a copy that somebody sends again. */
const TOLERANCE_SECONDS = 300

/**
 * Reads an event that Stripe signed. Nothing of the text is believed before the signature is checked; what is no news
 * for a checkout is ignored, so that one Stripe account may serve other systems too.
 */
export async function parseStripeEvent(
  client: Stripe,
  secret: string,
  headers: Headers,
  text: string,
): Promise<NotificationVerdict> {
  let event: Stripe.Event
  try {
    event = await client.webhooks.constructEventAsync(
      text,
      headers.get('Stripe-Signature') ?? '',
      secret,
      TOLERANCE_SECONDS,
      Stripe.createSubtleCryptoProvider(),
      now(),
    )
  } catch {
    // Anybody may send anything here; the error would quote it.
    log('warn', 'a notification is not signed by Stripe')
    return { kind: 'malformed', errors: [{ path: '/headers/Stripe-Signature', message: 'does not fit' }] }
  }
  const notification = notificationOf(event)
  return notification ? { kind: 'payment', notification } : { kind: 'ignored' }
}

function notificationOf(event: Stripe.Event): PaymentNotification | null {
  const outcome = outcomeOf(event)
  if (!outcome) return null
  const paymentId = (event.data.object as Stripe.PaymentIntent).metadata?.paymentId
  return paymentId && parsePaymentId(paymentId) ? { paymentId, eventId: event.id, outcome } : null
}

/** An event shows its object as it was then, so events may come in any order and be judged each by itself. */
function outcomeOf(event: Stripe.Event): PaymentNotification['outcome'] | null {
  switch (event.type) {
    case 'payment_intent.succeeded':
      return 'succeeded'
    case 'payment_intent.amount_capturable_updated':
      return event.data.object.status === 'requires_capture' ? 'succeeded' : null
    case 'payment_intent.payment_failed':
    case 'payment_intent.canceled':
      return 'failed'
    default:
      return null
  }
}
