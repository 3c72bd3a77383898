import { expect, test } from 'vitest'
import { StockItem, silenceQueue } from './stock-item.ts'

silenceQueue()

test('a unit that is held is held, and the next buyer is told what is left', async () => {
  const stock = new StockItem()
  await stock.receive(10)
  expect(await stock.reserve('a', 7)).toMatchObject({ ok: true, quantity: 7 })
  expect(await stock.reserve('b', 4)).toMatchObject({
    ok: false,
    code: 'insufficient_stock',
    facts: { requested: 4, available: 3 },
  })
  expect(await stock.counts()).toEqual([10, 7, 0, 3])
})
test('rows', async () => {
  const stock = new StockItem()
  await stock.receive(100)
  await stock.reserve('z', 1)
  console.log('reserve', await stock.rowsWritten(() => stock.reserve('a', 7)))
  console.log('expiry', await stock.rowsWritten(() => stock.reserve('a', 7, { expiresAt: Date.now() + 1e7 })))
  console.log('change', await stock.rowsWritten(() => stock.reserve('a', 8, { expiresAt: Date.now() + 1e7 })))
  console.log('allocate', await stock.rowsWritten(() => stock.allocate('a', 8)))
  await stock.reserve('b', 7)
  console.log('release', await stock.rowsWritten(() => stock.release('b')))
  console.log('deallocate', await stock.rowsWritten(() => stock.deallocate('a', 8)))
})
