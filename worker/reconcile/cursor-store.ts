/** Where the sweep goes on: one row. */
const READ = 'select store, item, after from reconcile_cursor where id = 1'
const WRITE = `
  insert into reconcile_cursor (id, store, item, after) values (1, ?1, ?2, ?3)
  on conflict (id) do update set store = ?1, item = ?2, after = ?3`

/** After this item; or, where `after` is not '', within it, after that purchase. */
export interface SweepCursor {
  store: string
  item: string
  after: string
}

export const BEGINNING: SweepCursor = { store: '', item: '', after: '' }

export async function readCursor(env: Env): Promise<SweepCursor> {
  return (await env.CATALOGUE.prepare(READ).first<SweepCursor>()) ?? BEGINNING
}

export async function writeCursor(env: Env, { store, item, after }: SweepCursor): Promise<void> {
  await env.CATALOGUE.prepare(WRITE).bind(store, item, after).run()
}
