import { describe, expect, test } from 'vitest'
import { StockItem, silenceQueue } from './stock-item.ts'

silenceQueue()

/** A command as a worker of the first version sends it, which knows fewer of its members. */
function without<C extends object>(command: C, ...members: (keyof C)[]): C {
  const kept = Object.entries(command).filter(([name]) => !members.includes(name as keyof C))
  return Object.fromEntries(kept) as C
}

/** Sends what `StockItem` sends, as an older worker would. */
function older(stock: StockItem): StockItem {
  const { move, setPolicy } = stock.rpc
  return Object.assign(new StockItem(stock.item), {
    rpc: Object.create(stock.rpc, {
      move: { value: (command: object) => move(without(command as never, 'orderId', 'disposition')) },
      setPolicy: { value: (command: object) => setPolicy(without(command as never, 'positions')) },
    }),
  })
}

describe('while a deployment is under way, a worker of the version before', () => {
  test('sets a policy, and positions keep the units that are never sold', async () => {
    const stock = new StockItem()
    await stock.receive(5)
    await stock.policy({}, [{ location: 'main', locationPriority: 0, lot: '', safetyStock: 2 }])
    expect(await older(stock).policy({ backorderLimit: 1 })).toMatchObject({ ok: true })
    expect((await stock.rpc.levels())!.levels).toMatchObject({ safetyStock: 2, backorderLimit: 1 })
  })

  test('moves goods, and the event names what it did not know of', async () => {
    const stock = new StockItem()
    expect(await older(stock).receive(5)).toMatchObject({ ok: true })
    const { events } = await stock.rpc.pull(1)
    expect(JSON.parse(events[0]!.data).movement).toMatchObject({ orderId: null, disposition: null })
  })
})
