import { evictDurableObject } from 'cloudflare:test'
import { describe, expect, test } from 'vitest'
import { StockItem } from './stock-item.ts'

const SHOPPERS = Array.from({ length: 60 }, (_, i) => `shopper-${String(i).padStart(2, '0')}`)

async function itemOf(units: number): Promise<StockItem> {
  const stock = new StockItem()
  await stock.receive(units)
  return stock
}

describe('commands that come while another is being committed', () => {
  test('are carried out in the order in which they came', async () => {
    const stock = await itemOf(25)
    const answers = await Promise.all(SHOPPERS.map((shopper) => stock.reserve(shopper, 1)))
    expect(answers.map(({ ok }) => ok)).toEqual(SHOPPERS.map((_, i) => i < 25))
    const held = (await stock.ledger()).filter(({ type }) => type === 'reserve')
    expect(held.map(({ purchaseId }) => purchaseId)).toEqual(SHOPPERS.slice(0, 25))
    expect(await stock.counts()).toEqual([25, 25, 0, 0])
  })

  test('of one purchase too: its hold becomes an order before it could be released', async () => {
    const stock = await itemOf(5)
    const [held, allocated, released] = await Promise.all([
      stock.reserve('a', 2),
      stock.allocate('a', 2),
      stock.release('a'),
    ])
    expect([held.ok, allocated.ok]).toEqual([true, true])
    expect(released).toMatchObject({ code: 'reservation_ended' })
  })

  test('fail alone: a bug in one takes back what it wrote and nothing of the others', async () => {
    const stock = await itemOf(100)
    const answers = await Promise.allSettled(
      SHOPPERS.map((shopper, i) => stock.reserve(shopper, i % 7 === 3 ? 0.5 : 1)),
    )
    expect(answers.map(({ status }) => status)).toEqual(
      SHOPPERS.map((_, i) => (i % 7 === 3 ? 'rejected' : 'fulfilled')),
    )
    const good = answers.filter(({ status }) => status === 'fulfilled').length
    expect(await stock.counts()).toEqual([100, good, 0, 100 - good])
    const sequences = (await stock.ledger()).map(({ sequence }) => sequence)
    expect(sequences.filter((sequence, i) => i > 0 && sequence <= sequences[i - 1]!)).toEqual([])
  })

  test('wait for nobody who called earlier and is never answered', async () => {
    const stock = await itemOf(100)
    const lost = SHOPPERS.slice(0, 30).map((shopper) => stock.reserve(shopper, 1))
    await evictDurableObject(stock.stub)
    await Promise.allSettled(lost)
    const answers = await Promise.all(SHOPPERS.slice(30).map((shopper) => stock.reserve(shopper, 1)))
    expect(answers.every(({ ok }) => ok)).toBe(true)
  })
})
