import { encodeTime } from 'ulid'
import { encodeToken, randomToken } from '../runtime/random.ts'

export const ID_PREFIXES = {
  event: 'evt',
  movement: 'mov',
  transfer: 'trf',
  endpoint: 'whe',
  delivery: 'dlv',
  apiKey: 'key',
  product: 'prod',
  variant: 'var',
  payment: 'pay',
  refund: 'rfd',
  fulfillment: 'ful',
  return: 'ret',
  request: 'req',
} as const

export type IdKind = keyof typeof ID_PREFIXES

/** A prefixed ULID in lower case: sortable by the millisecond it was made in, 80 random bits. */
export function newId(kind: IdKind, at: number): string {
  return `${ID_PREFIXES[kind]}_${newUlid(at)}`
}

/** The package's own `ulid` asks the platform for each of the 16 random characters by itself, which is most of its time. */
export function newUlid(at: number): string {
  return encodeTime(at).toLowerCase() + randomToken(ULID_RANDOM_LENGTH)
}

/** 80 bits, 5 a character. */
const ULID_RANDOM_LENGTH = 16

/**
 * A purchase id is 26 characters of ULID and 2 of shard. The shard says which `ORDERS` and `EVENTS`
 * database carries its record; there is one of each today, so it is always `00`.
 */
export const PURCHASE_ID_LENGTH = 28
/** 26 characters of 5 bits: 130 random bits, above the 128 that the contract promises. */
export const CART_SECRET_LENGTH = 26
const SHARD = '00'

export interface CartCredential {
  purchaseId: string
  /** Knowing it is the right to use the cart. */
  secret: string
}

export function newCart(at: number): CartCredential {
  return { purchaseId: newUlid(at) + SHARD, secret: randomToken(CART_SECRET_LENGTH) }
}

/**
 * The cart that an `Idempotency-Key` names: the same key reaches the same object, which then knows the
 * first answer. `digest` is an HMAC of the key's scope under the root secret (64 bytes or more of it, so
 * that neither half tells the other). The price is that such an id does not sort by time.
 */
export function derivedCart(digest: Uint8Array): CartCredential {
  const text = encodeToken(digest)
  const id = text.slice(0, PURCHASE_ID_LENGTH - SHARD.length) + SHARD
  return { purchaseId: id, secret: text.slice(PURCHASE_ID_LENGTH, PURCHASE_ID_LENGTH + CART_SECRET_LENGTH) }
}

export function cartId({ purchaseId, secret }: CartCredential): string {
  return `cart_${purchaseId}${secret}`
}

/** Null when the text cannot be a cart id; whether the secret is right is the object's to say. */
export function parseCartId(id: string): CartCredential | null {
  const match = /^cart_([0-9a-z]{28})([0-9a-z]{26})$/.exec(id)
  return match ? { purchaseId: match[1]!, secret: match[2]! } : null
}

export function orderId(purchaseId: string): string {
  return `ord_${purchaseId}`
}

export function parseOrderId(id: string): string | null {
  return /^ord_([0-9a-z]{28})$/.exec(id)?.[1] ?? null
}

/** For ids that were made here; of a text from outside `parseOrderId` says whether it is one. */
export function purchaseIdOf(orderId: string): string {
  return orderId.slice('ord_'.length)
}

export interface PaymentName {
  store: string
  purchaseId: string
  attempt: number
}

/**
 * `pay_{store}.{purchaseId}.{attempt}`: a provider's notification names its purchase by itself, and asking the
 * provider twice within one attempt is one payment.
 */
export function paymentId({ store, purchaseId, attempt }: PaymentName): string {
  return `${ID_PREFIXES.payment}_${store}.${purchaseId}.${attempt}`
}

/** Null when the text cannot be a payment id; whether there is such a payment is the object's to say. */
export function parsePaymentId(id: string): PaymentName | null {
  const match = /^pay_([a-z0-9][a-z0-9_-]{0,99})\.([0-9a-z]{28})\.([1-9][0-9]{0,8})$/.exec(id)
  return match ? { store: match[1]!, purchaseId: match[2]!, attempt: Number(match[3]) } : null
}
