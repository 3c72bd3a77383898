import { now } from '../../runtime/clock.ts'
import { hmacSha256 } from '../../runtime/digest.ts'
import type { Cart, NewCart } from '../../schema/http/cart.ts'
import { type CartCredential, derivedCart, newCart } from '../../schema/ids.ts'
import { type Outcome, refuse } from '../../schema/outcome.ts'
import { LINE_QUANTITY_MAX } from '../../schema/quantity.ts'
import type { IdempotencyStamp } from '../../schema/rpc/idempotency.ts'
import type { CreateCommand, LineInput } from '../../schema/rpc/purchase.ts'
import { marketOf, type Store, termsOf } from '../stores/store.ts'
import { customerKeyOf } from './customer-key.ts'
import { lineFacts } from './line-facts.ts'
import { accessOf, askPurchase } from './purchase-call.ts'

export interface CartRequest {
  body: NewCart
  /** Parameters of the address; the body wins over them. */
  market: string | undefined
  locale: string | undefined
  idempotency: IdempotencyStamp | null
}

/** A cart with all its lines held, or a refusal and no cart. */
export async function createCart(
  env: Env,
  store: Store,
  request: CartRequest,
): Promise<Outcome<{ cart: Cart; isReplay: boolean }>> {
  const { hold = 'line', lines = [], ...patch } = request.body
  const market = marketOf(store, patch.market ?? request.market)
  if (!market) return refuse('market_not_found')
  const locale = patch.locale ?? request.locale ?? market.locales[0] ?? 'en'
  const { idempotency } = request
  const credential = idempotency ? await cartOfKey(env, idempotency) : newCart(now())
  const command: CreateCommand = {
    ...accessOf(store, credential),
    terms: termsOf(store, market),
    locale,
    hold,
    lines: [],
    patch,
    customer: await customerKeyOf(env, store.ref, { customerId: null, email: patch.contact?.email }),
    idempotency,
  }
  const wanted = mergeLines(lines)
  for (const [sku, { quantity }] of wanted) {
    if (quantity > LINE_QUANTITY_MAX) return refuseQuantity(sku)
  }
  const found = await lineFacts(env, store, market, locale, [...wanted.keys()])
  if (!found.ok) {
    // A replay is answered from what was created, even when the catalogue no longer has its SKUs.
    const created =
      idempotency && (await ask(env, store, credential, (it) => it.cart({ secret: credential.secret })))
    return created?.ok ? ask(env, store, credential, (it) => it.create(command)) : found
  }
  command.lines = found.facts.map((facts) => ({ facts, ...wanted.get(facts.sku)! }))
  return ask(env, store, credential, (purchase) => purchase.create(command))
}

/** Each entry is within the limit by its schema; their sum may not be. */
function refuseQuantity(sku: string) {
  const limit = LINE_QUANTITY_MAX
  return refuse('quantity_limit_exceeded', `One line takes at most ${limit} units.`, { sku, limit })
}

function ask<T extends object>(
  env: Env,
  store: Store,
  credential: CartCredential,
  call: Parameters<typeof askPurchase<T>>[3],
): Promise<Outcome<T>> {
  return askPurchase(env, store.ref, credential.purchaseId, call)
}

/** Repeated SKUs become one line: quantities are summed, the last properties given win. */
export function mergeLines(lines: NonNullable<NewCart['lines']>): Map<string, Omit<LineInput, 'facts'>> {
  const merged = new Map<string, Omit<LineInput, 'facts'>>()
  for (const { sku, quantity, properties } of lines) {
    const before = merged.get(sku)
    const line: Omit<LineInput, 'facts'> = { quantity: quantity + (before?.quantity ?? 0) }
    const given = properties ?? before?.properties
    if (given) line.properties = given
    merged.set(sku, line)
  }
  return merged
}

/**
 * The cart that a key names: the same key reaches the same object, which knows its first answer. Under the root key, so
 * that a key (which proxies log) does not tell the cart's secret; two labels, because an HMAC gives 32 of the 54 bytes.
 */
async function cartOfKey(env: Env, { key }: IdempotencyStamp): Promise<CartCredential> {
  const [first, second] = await Promise.all([
    hmacSha256(env.ADMIN_KEY, `cart/1/${key}`),
    hmacSha256(env.ADMIN_KEY, `cart/2/${key}`),
  ])
  return derivedCart(new Uint8Array([...first, ...second]))
}
