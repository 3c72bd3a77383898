import { DurableObject } from 'cloudflare:workers'

const CREATE = `
  create table if not exists item (id integer primary key, on_hand integer not null, reserved integer not null);
  create table if not exists hold (purchase_id text primary key, quantity integer not null) without rowid;
  insert or ignore into item (id, on_hand, reserved) values (1, 0, 0)`
/** The item: one row, by its key. */
const RECEIVE = 'update item set on_hand = on_hand + ? where id = 1'
/** Promise 1 in its smallest form: one row, by its key. */
const TAKE = 'update item set reserved = reserved + ?1 where id = 1 and on_hand - reserved >= ?1'
/** The hold: primary key. */
const HOLD = 'insert into hold (purchase_id, quantity) values (?, ?)'

/**
 * What no object that must not oversell can do without: one conditional update and one insert in a transaction. It keeps
 * no ledger, tells nobody, ends no hold and answers no repeat. The Stock object is measured against it.
 */
export class Floor extends DurableObject<unknown> {
  constructor(ctx: DurableObjectState, env: unknown) {
    super(ctx, env)
    ctx.storage.sql.exec(CREATE)
  }

  async receive(quantity: number): Promise<void> {
    this.ctx.storage.sql.exec(RECEIVE, quantity)
  }

  async take(purchaseId: string, quantity: number): Promise<boolean> {
    const { sql } = this.ctx.storage
    return this.ctx.storage.transactionSync(() => {
      if (sql.exec(TAKE, quantity).rowsWritten === 0) return false
      sql.exec(HOLD, purchaseId, quantity)
      return true
    })
  }
}
