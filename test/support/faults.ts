import { env } from 'cloudflare:workers'

/**
 * Faults on the real bindings. The worker, the objects and the tests share each binding, so a method put over it fails
 * for all of them until it is taken away again.
 */

/** Every use of the database fails, as it does when D1 is not reachable. Returns the mending. */
export function breakDatabase(binding: 'CATALOGUE' | 'ORDERS' | 'EVENTS'): () => void {
  const fail = () => {
    throw new Error('D1_ERROR: injected: the database is not reachable')
  }
  return cover(env[binding], { prepare: fail, batch: fail, exec: fail, withSession: fail })
}

/** Every send fails, as it does when the queue refuses (Too Many Requests). Returns the mending. */
export function breakQueue(): () => void {
  const fail = () => Promise.reject(new Error('Queue send failed: injected: Too Many Requests'))
  return cover(env.EVENTS_QUEUE, { send: fail, sendBatch: fail })
}

/** Sends are taken and never delivered, as when a message is lost or dead-lettered. Returns the mending. */
export function loseMessages(): () => void {
  const lose = () => Promise.resolve()
  return cover(env.EVENTS_QUEUE, { send: lose, sendBatch: lose })
}

/**
 * Calls of `method` to the Stock objects of these items fail: `before` they arrive, or `after` they took effect, as when an
 * answer is lost. Returns the mending.
 */
export function breakStock(items: readonly string[], method: string, when: 'before' | 'after'): () => void {
  return aroundStock(items, method, async (call) => {
    if (when === 'after') await call()
    throw new Error('Network connection lost: injected')
  })
}

/** Puts `around` in the place of calls of `method` to the Stock objects of these items. Returns the mending. */
export function aroundStock(
  items: readonly string[],
  method: string,
  around: (call: () => Promise<unknown>) => Promise<unknown>,
): () => void {
  // Whatever is there now, so that faults of several items can stand at once.
  const { get } = env.STOCK
  return cover(env.STOCK, {
    get(id: DurableObjectId, options?: DurableObjectNamespaceGetDurableObjectOptions) {
      const stub = get.call(env.STOCK, id, options)
      const item = id.name?.slice(id.name.indexOf('/') + 1)
      if (item === undefined || !items.includes(item)) return stub
      // Called on the stub itself: what a stub has under a name is an RPC property, not a function to hand on.
      const methods = stub as unknown as Record<string, (command: unknown) => Promise<unknown>>
      const wrapped = (command: unknown) => around(() => methods[method]!(command))
      return new Proxy(stub, {
        get: (target, name) => (name === method ? wrapped : Reflect.get(target, name)),
      })
    },
  })
}

function cover(binding: object, methods: Record<string, unknown>): () => void {
  Object.assign(binding, methods)
  return () => {
    for (const name of Object.keys(methods)) delete (binding as Record<string, unknown>)[name]
  }
}
