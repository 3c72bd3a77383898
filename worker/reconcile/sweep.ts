import { now } from '../../runtime/clock.ts'
import { log } from '../../runtime/log.ts'
import { purchaseIdOf } from '../../schema/ids.ts'
import { ordersWithoutItems } from '../orders/order-item-store.ts'
import { recordedItems } from '../stock/record-store.ts'
import { loadStore } from '../stores/load-store.ts'
import { auditItem } from './audit-item.ts'
import { BEGINNING, readCursor, type SweepCursor, writeCursor } from './cursor-store.ts'
import { recordAgain } from './repair-order-items.ts'

/**
 * 20 pages a run are 28,800 a day: each costs two requests to an object (0.30 dollars a million), some rows read in it and
 * in D1, and none written while all is well.
 */
const PAGES_MAX = 20
/** A run that takes longer goes on in the next: cron rings every 10 s locally, and others wait in its turn. */
const RUN_MS = 4_000
/**
 * Each purchase that is asked is up to four calls, of the 1,000 that an invocation may make (Workers limits): after so many
 * the run ends. The last page may ask 100 more.
 */
const ASKED_ENOUGH = 50
/** Orders recorded before their items were, a run. */
const BACKFILL_MAX = 20

/** Audits the next items of all stores in the order of their keys, and begins anew at the end. */
export async function sweepStock(env: Env): Promise<void> {
  await backfillItems(env)
  const from = await readCursor(env)
  const to = await sweepFrom(env, from, now() + RUN_MS)
  const isMoved = to.store !== from.store || to.item !== from.item || to.after !== from.after
  if (isMoved) await writeCursor(env, to)
}

/** Answers where the next run goes on. */
async function sweepFrom(env: Env, from: SweepCursor, until: number): Promise<SweepCursor> {
  const next = await recordedItems(env, from, PAGES_MAX)
  const items = from.after === '' ? next : [from, ...next]
  let at = from
  let [pages, asked] = [0, 0]
  for (const { store, item } of items) {
    let after = at.store === store && at.item === item ? at.after : ''
    do {
      if (pages === PAGES_MAX || asked >= ASKED_ENOUGH || now() > until) return at
      pages += 1
      const page = await auditPage(env, store, item, after)
      asked += page.asked
      after = page.next
      at = { store, item, after }
    } while (after !== '')
  }
  return next.length < PAGES_MAX ? BEGINNING : at
}

/** An item that cannot be audited keeps no other from its turn; its own comes again. */
async function auditPage(
  env: Env,
  slug: string,
  item: string,
  after: string,
): Promise<{ next: string; asked: number }> {
  const store = await loadStore(env, slug)
  const audited = store && (await auditItem(env, store, item, after))
  if (!audited?.ok) {
    log('warn', 'an item was left out of the sweep', { store: slug, item, code: audited?.code ?? null })
    return { next: '', asked: 0 }
  }
  return { next: audited.next ?? '', asked: audited.asked }
}

/** So that also of orders that are older than the record of items each is compared with what the items have allocated. */
async function backfillItems(env: Env): Promise<void> {
  const orders = await ordersWithoutItems(env, BACKFILL_MAX)
  for (const slug of new Set(orders.map(({ store }) => store))) {
    const store = await loadStore(env, slug)
    if (!store) continue
    const own = orders.filter((order) => order.store === slug)
    await recordAgain(
      env,
      store,
      own.map(({ orderId }) => purchaseIdOf(orderId)),
    )
  }
}
