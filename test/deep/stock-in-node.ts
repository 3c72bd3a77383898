import { registerHooks } from 'node:module'
import type { Inside, Subject } from '../workerd/stock/model/subject.ts'
import { Disk, ObjectStorage } from './object-storage.ts'

const WORKERS_MODULE = new URL('./workers-module.ts', import.meta.url).href
/** Paths in variables, so that the types of Node and of the runtime, which contradict each other, are not mixed. */
const room = (file: string) => new URL(`../../durable-objects/${file}`, import.meta.url).href

registerHooks({
  resolve: (specifier, context, next) =>
    specifier === 'cloudflare:workers'
      ? { url: WORKERS_MODULE, shortCircuit: true }
      : next(specifier, context),
})
/** The runtime's globals; nudges wait for no others here. */
Object.assign(globalThis, { HOLDFAST_LOCAL: true, scheduler: { wait: async () => {} } })

type Stock = Inside['stock']
const { Stock: RealStock } = (await import(room('stock/stock.ts'))) as {
  Stock: new (ctx: unknown, env: unknown) => Stock
}

const { migrate } = (await import(room('migrate.ts'))) as {
  migrate(sql: unknown, migrations: unknown): void
}
const { MIGRATIONS } = (await import(room('stock/migrations.ts'))) as { MIGRATIONS: unknown }

/** With the object's tables, and nothing in them. */
const DISK = new Disk()
migrate(DISK.sql, MIGRATIONS)

/** Nobody fetches by a nudge here: the history's relay comes when it comes. */
const ENV = { EVENTS_QUEUE: { send: async () => {} } }

/** The real Stock object, with its decisions, its book and its SQL, on a storage of plain Node. */
export class StockInNode implements Subject {
  readonly #storage: ObjectStorage
  #stock: Stock

  /** Unborn: without tables, as all objects are at first. Most have them here, since making them takes its time. */
  constructor(isUnborn: boolean) {
    this.#storage = new ObjectStorage(DISK, isUnborn)
    this.#stock = this.#wake()
  }

  async inside<T>(work: (inside: Inside) => Promise<T>): Promise<T> {
    const storage = this.#storage
    return work({
      stock: this.#stock,
      rows: (query) => storage.sql.exec(query).toArray(),
      alarmAt: () => storage.getAlarm(),
      clearAlarm: () => storage.deleteAlarm(),
      failWriteIn: (writes) => storage.failWriteIn(writes),
    })
  }

  /** Memory is gone, storage stays. */
  async evict(): Promise<void> {
    this.#stock = this.#wake()
  }

  close(): void {
    this.#storage.close()
  }

  #wake(): Stock {
    const ctx = {
      id: { name: 'default/ITEM' },
      storage: this.#storage,
      waitUntil: () => {},
      blockConcurrencyWhile: (work: () => Promise<unknown>) => work(),
    }
    return new RealStock(ctx, ENV)
  }
}
