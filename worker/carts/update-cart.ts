import type { Cart, CartPatch } from '../../schema/http/cart.ts'
import { type Outcome, refuse } from '../../schema/outcome.ts'
import type { UpdateCommand } from '../../schema/rpc/purchase.ts'
import { marketOf, type Store, termsOf } from '../stores/store.ts'
import { customerKeyOf } from './customer-key.ts'
import { factsOnSale } from './line-facts.ts'
import { askCart } from './purchase-call.ts'

/** Applies a patch; another market or locale brings the lines' prices and texts along. */
export async function updateCart(
  env: Env,
  store: Store,
  cartId: string,
  patch: CartPatch,
): Promise<Outcome<{ cart: Cart }>> {
  const move = await moveOf(env, store, cartId, patch)
  if (!move.ok) return move
  const { moved, locale } = move
  const whole = locale === null ? patch : { ...patch, locale }
  const customer = await customerKeyOf(env, store.ref, { customerId: null, email: patch.contact?.email })
  return askCart(env, store, cartId, (purchase, access) =>
    purchase.update({ ...access, patch: whole, customer, moved }),
  )
}

interface Move extends Pick<UpdateCommand, 'moved'> {
  /** The locale after the move: the market's own where it does not speak the cart's. Null: as the patch says. */
  locale: string | null
}

const STAYS = { ok: true, moved: null, locale: null } as const

async function moveOf(env: Env, store: Store, cartId: string, patch: CartPatch): Promise<Outcome<Move>> {
  if (patch.market === undefined && patch.locale === undefined) return STAYS
  const context = await askCart(env, store, cartId, (purchase, { secret }) => purchase.context({ secret }))
  if (!context.ok) return context
  const { market: before, locale: spoken, skus } = context
  const market = marketOf(store, patch.market ?? before)
  if (!market) return refuse('market_not_found')
  const locale = patch.locale ?? (market.locales.includes(spoken) ? spoken : (market.locales[0] ?? spoken))
  if (market.code === before && locale === spoken) return STAYS
  const onSale = await factsOnSale(env, store, market, locale, skus)
  if (!onSale.ok) return onSale
  return { ok: true, moved: { terms: termsOf(store, market), facts: onSale.facts }, locale }
}
