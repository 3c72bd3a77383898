import { evictDurableObject, runInDurableObject } from 'cloudflare:test'
import type { Stock } from '../../../../durable-objects/stock/stock.ts'
import { StockItem } from '../stock-item.ts'
import type { Inside, Subject } from './subject.ts'

/** A Stock object of its own in the runtime, with the runtime's storage, alarm and evictions. */
export class StockInWorkerd implements Subject {
  readonly #item = new StockItem()

  inside<T>(work: (inside: Inside) => Promise<T>): Promise<T> {
    return runInDurableObject(this.#item.stub, (stock: Stock, { storage }) =>
      work({
        stock,
        rows: (query) => storage.sql.exec(query).toArray(),
        alarmAt: () => storage.getAlarm(),
        clearAlarm: () => storage.deleteAlarm(),
      }),
    )
  }

  evict(): Promise<void> {
    return evictDurableObject(this.#item.stub)
  }
}
