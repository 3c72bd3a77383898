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

function cover(binding: object, methods: Record<string, unknown>): () => void {
  Object.assign(binding, methods)
  return () => {
    for (const name of Object.keys(methods)) delete (binding as Record<string, unknown>)[name]
  }
}
