import { stockOf } from '../../durable-objects/stock/client.ts'
import type { EpochMs } from '../../runtime/clock.ts'
import { now } from '../../runtime/clock.ts'
import { errorText, log } from '../../runtime/log.ts'
import type { Band } from '../../schema/rpc/source.ts'
import type { ItemAvailability } from '../../schema/rpc/stock.ts'
import { Problem } from '../http/problem.ts'
import type { Store } from '../stores/store.ts'

/** What a unit of something sold consumes. */
export interface Consumption {
  item: string
  /** Units of the item for one unit sold, 1 or more. */
  quantity: number
}

/** What one could hold now of something that consumes items. */
export interface Availability {
  /** False when none of the items ever had stock or a policy. */
  isKnown: boolean
  available: number
  /** Units that may be promised beyond `available`. */
  backorder: number
  status: Band
  availableOn: EpochMs | null
  /** When the oldest of the figures was true. */
  asOf: EpochMs
}

/**
 * Live figures from the Stock objects, asked in parallel; `unavailable` (503) when one cannot be reached. For untracked stock (nothing consumed) ask nobody:
 * the caller decides what an endless supply looks like.
 */
export async function availabilityOf(
  env: Env,
  store: Store,
  stock: readonly Consumption[],
): Promise<Availability> {
  const live = await Promise.all(
    stock.map(async ({ item, quantity }) => ({
      quantity,
      live: await liveOf(env, store, item),
    })),
  )
  return combineAvailability(live, now())
}

async function liveOf(env: Env, store: Store, item: string): Promise<ItemAvailability> {
  try {
    return await stockOf(env, store.ref, item).availability(store.lowStockThreshold)
  } catch (error) {
    log('error', 'stock did not answer', { store: store.ref.slug, item, error: errorText(error) })
    throw new Problem('unavailable', 'Live availability is not readable at the moment.')
  }
}

/**
 * The least over the items: a bundle has as many units as its scarcest item gives. Each item's promise beyond hand
 * counts whole units only, so `backorder` is what all items together can promise less what is there.
 */
export function combineAvailability(
  parts: readonly { quantity: number; live: ItemAvailability }[],
  at: EpochMs,
): Availability {
  const units = (of: (live: ItemAvailability) => number) =>
    parts.length === 0 ? 0 : Math.min(...parts.map(({ quantity, live }) => Math.floor(of(live) / quantity)))
  const available = units((live) => live.available)
  const promisable = units((live) => live.available + live.backorder)
  const dates = parts.flatMap(({ live }) => live.availableOn ?? [])
  return {
    isKnown: parts.some(({ live }) => live.isKnown),
    available,
    backorder: promisable - available,
    status: combinedBand(available, promisable, parts),
    // All items must be there, so the latest date is the one to promise.
    availableOn: dates.length === 0 ? null : Math.max(...dates),
    asOf: Math.min(at, ...parts.map(({ live }) => live.asOf)),
  }
}

function combinedBand(
  available: number,
  promisable: number,
  parts: readonly { live: ItemAvailability }[],
): Band {
  if (available > 0) return parts.every(({ live }) => live.band === 'in_stock') ? 'in_stock' : 'low_stock'
  return promisable > 0 ? 'backorder' : 'out_of_stock'
}
