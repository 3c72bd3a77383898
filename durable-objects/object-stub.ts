import type { StoreRef } from '../schema/store-ref.ts'

/**
 * The stub of `{store}/{key}` in the store's jurisdiction, created near the store's region when its first caller
 * would otherwise pin it elsewhere. Called by the `client.ts` of each object and by nothing else.
 *
 * A stub that failed is broken, so clients make one for each call; the platform itself retries calls that never
 * reached the object (developers.cloudflare.com/durable-objects/best-practices/automatic-retries).
 */
export function objectStub<T extends Rpc.DurableObjectBranded>(
  namespace: DurableObjectNamespace<T>,
  store: StoreRef,
  key: string,
  nearFirstCaller = false,
): DurableObjectStub<T> {
  // The local runtime has no jurisdictions: `jurisdiction()` throws there.
  const placed =
    store.jurisdiction && !HOLDFAST_LOCAL
      ? namespace.jurisdiction(store.jurisdiction as DurableObjectJurisdiction)
      : namespace
  const id = placed.idFromName(`${store.slug}/${key}`)
  return nearFirstCaller || !store.region
    ? placed.get(id)
    : placed.get(id, { locationHint: store.region as DurableObjectLocationHint })
}

/** The parts of `{store}/{key}`; a slug holds no slash, a key may. */
export function objectName(id: DurableObjectId): { slug: string; key: string } {
  const name = id.name ?? ''
  const slash = name.indexOf('/')
  return { slug: name.slice(0, slash), key: name.slice(slash + 1) }
}
