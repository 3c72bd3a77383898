import { Stock } from '../../../durable-objects/stock/stock.ts'
import { newCart } from '../../../schema/ids.ts'
import type { StoreRef } from '../../../schema/store-ref.ts'
import type { Cost, Growth } from '../cost.ts'

/** History is made this many rows a transaction: well below a second, and the object answers in between. */
const GROW_AT_ONCE = 20_000
const HOLD_MS = 900_000
const LOW_STOCK_THRESHOLD = 5

interface Run {
  statement: string
  cursor: SqlStorageCursor<Record<string, SqlStorageValue>>
}

/** The Stock object with a meter on its SQL, and with a history that it did not live through. */
export class CountedStock extends Stock {
  readonly #store: StoreRef = { slug: 'default', jurisdiction: null, region: null }
  readonly #run: Run[]

  constructor(ctx: DurableObjectState, env: Env) {
    const run: Run[] = []
    const { sql } = ctx.storage
    const exec = sql.exec.bind(sql)
    Object.defineProperty(sql, 'exec', {
      value: (statement: string, ...values: SqlStorageValue[]) => {
        const cursor = exec(statement, ...values)
        run.push({ statement, cursor })
        return cursor
      },
    })
    super(ctx, env)
    this.#run = run
  }

  /** Makes one hold and releases it, and copies both until there are `history` of each: the counters stay true. */
  async grow(history: number): Promise<void> {
    const { sql } = this.ctx.storage
    const purchaseId = await this.#hold()
    await this.release({ store: this.#store, purchaseId, version: 2 })
    const released = sql.exec<{ n: number }>('select max(sequence) as n from movement').one().n
    let last = released
    for (let made = this.#rowsOf('reservation'); made < history; ) {
      const more = Math.min(GROW_AT_ONCE, history - made)
      this.ctx.storage.transactionSync(() => {
        const past = { purchase_id: `printf('past%024d', ${made} + i)` }
        copyRows(sql, 'reservation', `purchase_id = '${purchaseId}'`, past, more)
        copyRows(sql, 'movement', `sequence = ${released} - i % 2`, { sequence: `${last} + i` }, more)
      })
      made += more
      last += more
      await scheduler.wait(0)
    }
  }

  /** What the object remembers is no longer what its tables say. Ends the call with an error. */
  async restart(): Promise<void> {
    this.ctx.abort('its history was written behind its back')
  }

  async counted(): Promise<Growth> {
    const waking = await this.#costOf(() => this.#hold())
    const next = await this.#costOf(() => this.#hold())
    return {
      reservations: this.#rowsOf('reservation'),
      movements: this.#rowsOf('movement'),
      waking,
      next,
    }
  }

  async #hold(): Promise<string> {
    const at = Date.now()
    const { purchaseId } = newCart(at)
    const outcome = await this.reserve({
      store: this.#store,
      purchaseId,
      version: 1,
      quantity: 1,
      expiresAt: at + HOLD_MS,
      lowStockThreshold: LOW_STOCK_THRESHOLD,
    })
    if (!outcome.ok) throw new Error(`refused: ${outcome.code}`)
    return purchaseId
  }

  async #costOf(work: () => Promise<unknown>): Promise<Cost> {
    const before = this.#run.length
    await work()
    const run = this.#run.splice(before)
    return {
      rowsRead: run.reduce((sum, { cursor }) => sum + cursor.rowsRead, 0),
      rowsWritten: run.reduce((sum, { cursor }) => sum + cursor.rowsWritten, 0),
      statements: run.map(({ statement }) => statement.trim().replaceAll(/\s+/g, ' ')),
    }
  }

  #rowsOf(table: string): number {
    return this.ctx.storage.sql.exec<{ n: number }>(`select count(*) as n from ${table}`).one().n
  }
}

/** `count` copies, numbered by `i`, of the row that `model` names, with one column another. */
function copyRows(
  sql: SqlStorage,
  table: 'reservation' | 'movement',
  model: string,
  changed: Record<string, string>,
  count: number,
): void {
  const { columnNames } = sql.exec(`select * from ${table} limit 0`)
  const values = columnNames.map((column) => changed[column] ?? column)
  sql.exec(`
    insert into ${table} (${columnNames.join(', ')})
    with recursive series (i) as (select 1 union all select i + 1 from series where i < ${count})
    select ${values.join(', ')} from series cross join ${table} where ${model}`)
}
