import type { EpochMs } from '../../../../runtime/clock.ts'
import type { StockRpc } from '../../../../schema/rpc/stock.ts'

/** A living Stock object with what belongs to it, as one sees it from inside. */
export interface Inside {
  stock: StockRpc & { alarm(): Promise<void> }
  rows(query: string): Record<string, unknown>[]
  alarmAt(): Promise<EpochMs | null>
  clearAlarm(): Promise<void>
  /** Where the disk can be made to fail: the so-many-th write from now throws once; null takes that back. */
  failWriteIn?(writes: number | null): void
}

/** A Stock object that histories are played on, in the runtime or in plain Node. */
export interface Subject {
  /** Work on one life of the object; between two calls it may have been evicted. */
  inside<T>(work: (inside: Inside) => Promise<T>): Promise<T>
  evict(): Promise<void>
  close?(): void
}
