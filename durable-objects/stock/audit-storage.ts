import type { Allocation } from '../../schema/rpc/stock.ts'
import { isBorn } from '../migrate.ts'
import type { Counts, Promised, Told } from './audit.ts'

/** An audit: the counters as they are on disk. Some dozens of rows. */
const COUNTS = `
  select location, lot, on_hand as onHand, reserved, allocated from position order by location, lot`
/** An audit: what the ledger adds up to; all rows that are kept, which are few once the log has them, and what has left. */
const LEDGER_SUMS = `
  select location, lot, sum(on_hand) as onHand, sum(reserved) as reserved, sum(allocated) as allocated from (
    select delta.value ->> 'location' as location, delta.value ->> 'lot' as lot, delta.value ->> 'onHand' as on_hand,
      delta.value ->> 'reserved' as reserved, delta.value ->> 'allocated' as allocated
    from movement, json_each(movement.data, '$.movement.deltas') as delta where movement.type is not null
    union all
    select left.value ->> 'location', left.value ->> 'lot', left.value ->> 'onHand',
      left.value ->> 'reserved', left.value ->> 'allocated'
    from item, json_each(item.pruned_sums) as left)
  group by location, lot`
/** An audit: what live reservations were promised where; a walk along all of them, added up as it goes. */
const PROMISED_SUMS = `
  select share.value ->> 'location' as location, share.value ->> 'lot' as lot,
    sum(iif(state = 'held', share.value ->> 'quantity', 0)) as reserved,
    sum(iif(state = 'allocated', share.value ->> 'quantity', 0)) as allocated
  from reservation, json_each(reservation.shares) as share where state in ('held', 'allocated')
  group by 1, 2`
/** A page of an audit: reservations along their key; few enough are ended to be read past. */
const RESERVATIONS_AFTER = `
  select purchase_id, order_id, quantity, state from reservation where purchase_id > ? order by purchase_id limit ?`
/** An audit that looks again at one order: primary key. */
const ALLOCATED_TO = `select quantity from reservation where purchase_id = ? and state = 'allocated'`
/** What was told of drift, and what is told now: the item's own row. */
const TOLD = 'select drift from item where id = 1'
const SAVE_TOLD = 'update item set drift = ? where id = 1'

/** SQL of audits. Of an object that was never written to it finds nothing, and writes nothing. */
export class AuditStorage {
  readonly #sql: SqlStorage

  constructor(sql: SqlStorage) {
    this.#sql = sql
  }

  counts(): Counts[] {
    return this.#read<Counts & Row>(COUNTS)
  }

  ledgerSums(): Counts[] {
    return this.#read<Counts & Row>(LEDGER_SUMS)
  }

  promisedSums(): Promised[] {
    return this.#read<Promised & Row>(PROMISED_SUMS)
  }

  /** Live allocations among the next `limit` reservations. */
  allocations(after: string, limit: number): { allocations: Allocation[]; upTo: string | null } {
    const rows = this.#read<ReservationRow & Row>(RESERVATIONS_AFTER, after, limit)
    return {
      allocations: rows
        .filter(({ state }) => state === 'allocated')
        .map((row) => ({ purchaseId: row.purchase_id, orderId: row.order_id!, quantity: row.quantity })),
      upTo: rows.length < limit ? null : rows.at(-1)!.purchase_id,
    }
  }

  allocatedTo(purchaseId: string): number {
    return this.#read<{ quantity: number }>(ALLOCATED_TO, purchaseId)[0]?.quantity ?? 0
  }

  told(): Told {
    return JSON.parse(this.#read<{ drift: string | null }>(TOLD)[0]?.drift ?? '{}') as Told
  }

  /** In the caller's transaction. */
  saveTold(told: Told): void {
    this.#sql.exec(SAVE_TOLD, Object.keys(told).length === 0 ? null : JSON.stringify(told))
  }

  #read<R extends Row>(statement: string, ...values: SqlStorageValue[]): R[] {
    return isBorn(this.#sql) ? this.#sql.exec<R>(statement, ...values).toArray() : []
  }
}

type Row = Record<string, SqlStorageValue>

interface ReservationRow {
  purchase_id: string
  order_id: string | null
  quantity: number
  state: string
}
