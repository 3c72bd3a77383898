import type { EpochMs } from '../../runtime/clock.ts'
import type { AllocationPage, DriftReport, StockAudit } from '../../schema/rpc/stock.ts'
import { counterDrifts, TOLD_MAX, tellDrift } from './audit.ts'
import { AuditStorage } from './audit-storage.ts'
import { documentOf } from './band.ts'
import type { Book } from './book.ts'
import { expiredLots } from './decide-expire.ts'
import type { StockStorage } from './storage.ts'

/** What the object says of itself to whoever audits it. Counters are read from the disk and recomputed; nothing is mended. */
export class Auditor {
  readonly #storage: StockStorage
  readonly #audits: AuditStorage

  constructor(storage: StockStorage, sql: SqlStorage) {
    this.#storage = storage
    this.#audits = new AuditStorage(sql)
  }

  audit(at: EpochMs): StockAudit | null {
    const state = this.#storage.load()
    if (!state.store) return null
    const { prunedSequence } = this.#storage.watermarks()
    // A lot past its date counts no more, though only the next command or the alarm writes that.
    const lotEnds = expiredLots(state, at).map(({ expiresAt }) => expiresAt!)
    const since = [this.#storage.behindSince(state, at) ?? [], lotEnds].flat()
    return {
      item: state.item,
      sequence: state.sequence,
      prunedSequence,
      drifts: counterDrifts(this.#audits.counts(), this.#audits.ledgerSums(), this.#audits.promisedSums()),
      document: documentOf(state, at),
      behindSince: since.length === 0 ? null : Math.min(...since),
    }
  }

  allocations({ after, limit }: { after: string; limit: number }): AllocationPage {
    const isDriftTold = Object.keys(this.#audits.told()).length > 0
    return { ...this.#audits.allocations(after, limit), isDriftTold }
  }

  allocatedTo(purchaseId: string): number {
    return this.#audits.allocatedTo(purchaseId)
  }

  /** Drift has no movement: an event in the ledger's sequence tells it, and the counters stay as they are. */
  report(book: Book, { scope, drifts }: DriftReport): { isTold: boolean } {
    const before = this.#audits.told()
    const { told, isNews } = tellDrift(before, scope, drifts)
    if (isNews) {
      book.tell('stock.drift_detected', { item: book.state.item, drifts: drifts.slice(0, TOLD_MAX) })
    }
    if (JSON.stringify(told) !== JSON.stringify(before)) this.#audits.saveTold(told)
    return { isTold: isNews }
  }
}
