import { now, toIso } from '../../runtime/clock.ts'
import type { Product, ProductPatch, PutProduct } from '../../schema/http/product.ts'
import { newId } from '../../schema/ids.ts'
import { type Outcome, type Refusal, refuse } from '../../schema/outcome.ts'
import { recordEventStatements } from '../events/outbox-store.ts'
import type { Store } from '../stores/store.ts'
import { composeProduct, mergePatch, productErrors } from './compose-product.ts'
import { eventsOfChange } from './product-change.ts'
import {
  deleteStatements,
  isConflict,
  type StoredProduct,
  saveStatements,
  selectForChange,
  selectProduct,
} from './product-store.ts'

/** 256 KiB: the document is one row, one event and one answer; a listing page of 100 stays far from a worker's memory. */
export const PRODUCT_BYTES_MAX = 256 * 1024
/** Two editors of one product at one moment are rare, five rounds of them a script that should be told. */
const ATTEMPTS_MAX = 5

export type Changed = Outcome<StoredProduct & { isChanged: boolean }>

/** What the caller read before, as `If-Match` says it: a revision, `*` for any, or null for no condition. */
export type Expected = number | '*' | null

/** The product is as given afterwards. */
export function putProduct(env: Env, store: Store, handle: string, wanted: PutProduct, expected: Expected) {
  return changeProduct(env, store, handle, expected, wanted, () => wanted)
}

/** The given members are as given afterwards, the others as they were. */
export function patchProduct(
  env: Env,
  store: Store,
  handle: string,
  patch: ProductPatch,
  expected: Expected,
) {
  return changeProduct(env, store, handle, expected, patch, (current) =>
    current ? mergePatch(current, patch) : null,
  )
}

/** The product is gone afterwards; fine when it was not there. */
export async function deleteProduct(
  env: Env,
  store: Store,
  handle: string,
  expected: Expected,
): Promise<Outcome<{ isChanged: boolean }>> {
  const { slug } = store.ref
  return attempted(async () => {
    const current = await selectProduct(env.CATALOGUE, slug, handle)
    const unmet = unmetBy(current, expected)
    if (unmet) return unmet
    if (!current) return { ok: true, isChanged: false }
    const statements = deleteStatements(env.CATALOGUE, slug, current.product, current.revision)
    await env.CATALOGUE.batch([...statements, ...eventStatements(env, slug, current.product, null, now())])
    return { ok: true, isChanged: true }
  })
}

/** `given` is what the request says; `merge` makes the whole of it, null where there is nothing to merge it into. */
async function changeProduct(
  env: Env,
  store: Store,
  handle: string,
  expected: Expected,
  given: ProductPatch,
  merge: (current: Product | null) => PutProduct | null,
): Promise<Changed> {
  const { slug } = store.ref
  const skus = (given.variants ?? []).map(({ sku }) => sku)
  return attempted(async () => {
    const { current, conflicts } = await selectForChange(env.CATALOGUE, slug, handle, skus)
    const wanted = merge(current?.product ?? null)
    if (!wanted) return refuse('product_not_found')
    const refusal = unmetBy(current, expected) ?? refusalOf(slug, wanted, conflicts)
    if (refusal) return refusal
    const at = now()
    const product = composeProduct(handle, wanted, current?.product ?? null, {
      at: toIso(at),
      newProductId: () => newId('product', at),
      newVariantId: () => newId('variant', at),
    })
    if (isTooLarge(product)) {
      const limitBytes = PRODUCT_BYTES_MAX
      return refuse('body_too_large', `A product may have ${limitBytes} bytes.`, { limitBytes })
    }
    const events = eventStatements(env, slug, current?.product ?? null, product, at)
    if (current && events.length === 0) return { ok: true, ...current, isChanged: false }
    const revision = current?.revision ?? null
    await env.CATALOGUE.batch([...saveStatements(env.CATALOGUE, slug, product, revision), ...events])
    return { ok: true, product, revision: (revision ?? 0) + 1, isChanged: true }
  })
}

/** Again while somebody else was faster: each attempt decides on what it reads, and the batch holds it to that. */
async function attempted<T extends object>(attempt: () => Promise<Outcome<T>>): Promise<Outcome<T>> {
  for (let count = 1; ; count++) {
    try {
      return await attempt()
    } catch (error) {
      if (!isConflict(error)) throw error
      if (count === ATTEMPTS_MAX)
        return refuse('request_in_progress', 'Others are changing it at this moment.')
    }
  }
}

function unmetBy(current: StoredProduct | null, expected: Expected): Refusal | null {
  if (expected === null) return null
  const isMet = expected === '*' ? current !== null : current?.revision === expected
  return isMet ? null : refuse('precondition_failed')
}

function refusalOf(
  slug: string,
  wanted: PutProduct,
  conflicts: { sku: string; handle: string }[],
): Refusal | null {
  const errors = productErrors(slug, wanted)
  if (errors.length > 0) return refuse('malformed_request', undefined, { errors: errors.slice(0, 50) })
  return conflicts.length === 0 ? null : refuse('sku_conflict', undefined, { conflicts })
}

function isTooLarge(product: Product): boolean {
  return new TextEncoder().encode(JSON.stringify(product)).byteLength > PRODUCT_BYTES_MAX
}

function eventStatements(
  env: Env,
  store: string,
  before: Product | null,
  after: Product | null,
  at: number,
): D1PreparedStatement[] {
  const handle = (after ?? before)!.handle
  return eventsOfChange(before, after).flatMap(({ type, data }) =>
    recordEventStatements(env, { store, type, subject: `product:${handle}`, data, at }),
  )
}
