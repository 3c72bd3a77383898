/** History is made this many rows a transaction: well below a second, and the object answers in between. */
const GROW_AT_ONCE = 20_000

/**
 * A past that an item did not live through: copies of its last two movements, which are the hold of `purchaseId` and its
 * release, and of that reservation, until there are `history` of each. They cancel out, so the counters stay true.
 */
export async function growHistory(
  storage: DurableObjectStorage,
  purchaseId: string,
  history: number,
): Promise<void> {
  const { sql } = storage
  const released = sql.exec<{ n: number }>('select max(sequence) as n from movement').one().n
  let last = released
  for (let made = rowsOf(sql, 'reservation'); made < history; ) {
    const more = Math.min(GROW_AT_ONCE, history - made)
    storage.transactionSync(() => {
      const past = { purchase_id: `printf('past%024d', ${made} + i)` }
      copyRows(sql, 'reservation', `purchase_id = '${purchaseId}'`, past, more)
      copyRows(sql, 'movement', `sequence = ${released} - i % 2`, { sequence: `${last} + i` }, more)
    })
    made += more
    last += more
    await scheduler.wait(0)
  }
}

export function rowsOf(sql: SqlStorage, table: 'reservation' | 'movement'): number {
  return sql.exec<{ n: number }>(`select count(*) as n from ${table}`).one().n
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
