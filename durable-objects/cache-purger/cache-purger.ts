import { DurableObject } from 'cloudflare:workers'
import type { CachePurgerRpc } from '../../schema/rpc/cache-purger.ts'

export class CachePurger extends DurableObject<Env> implements CachePurgerRpc {
  async poke(): Promise<void> {}
}
