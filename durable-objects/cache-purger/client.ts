import type { CachePurgerRpc } from '../../schema/rpc/cache-purger.ts'

/** The one purger of the deployment: the limit it keeps is the account's. */
export function cachePurgerOf(env: Env): CachePurgerRpc {
  return env.CACHE_PURGER.getByName('deployment') as unknown as CachePurgerRpc
}
