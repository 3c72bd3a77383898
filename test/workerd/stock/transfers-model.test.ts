import fc from 'fast-check'
import { beforeAll, expect, test } from 'vitest'
import { staff } from '../../support/api.ts'
import { aroundStock, breakDatabase, breakStock } from '../../support/faults.ts'

const PATH = '/v1/admin/transfers'
const UNITS = 12
/** About half a second each on a busy machine. */
const RUNS = 12

beforeAll(async () => {
  await staff('PUT', '/v1/admin/locations/annex', { priority: 5 })
})

type Fault = 'none' | 'before' | 'after' | 'records'
const fault = fc.constantFrom<Fault>('none', 'none', 'before', 'after', 'records')
const step = fc.oneof(
  { weight: 4, arbitrary: fc.record({ quantity: fc.nat(5), missing: fc.nat(2), line: fc.nat(1), fault }) },
  { weight: 1, arbitrary: fc.constant('read' as const) },
  { weight: 1, arbitrary: fc.constant('repeat' as const) },
)

/** Runs one request while the item fails in this way; `records`: D1 dies as soon as the item has taken the command. */
async function under<T>(kind: Fault, item: string, ask: () => Promise<T>): Promise<T> {
  const mends: (() => void)[] = []
  if (kind === 'before' || kind === 'after') mends.push(breakStock([item], 'move', kind))
  if (kind === 'records') {
    const die = async (call: () => Promise<unknown>) => {
      const answer = await call()
      mends.push(breakDatabase('CATALOGUE'))
      return answer
    }
    mends.push(aroundStock([item], 'move', die))
  }
  try {
    return await ask()
  } finally {
    for (const mend of mends) mend()
  }
}

let made = 0

test('whatever is cut and repeated, a transfer ends with what its accepted receipts say, and the goods are there', async () => {
  const property = fc.asyncProperty(
    fault,
    fc.array(step, { minLength: 1, maxLength: 8 }),
    async (sending, steps) => {
      const items = [`M-${++made}-A`, `M-${made}-B`]
      for (const item of items) {
        const receive = { type: 'receive', location: 'main', quantity: UNITS }
        await staff('POST', `/v1/admin/stock/${item}/movements`, receive)
      }
      const lines = items.map((item) => ({ item, quantity: UNITS }))
      const key = crypto.randomUUID()
      const send = () => staff('POST', PATH, { from: 'main', to: 'annex', lines }, { idempotencyKey: key })
      const first = await under(sending, items[0]!, send)
      const sent = first.status === 503 ? await send() : first
      expect(sent.status).toBe(201)
      const { id } = sent.body

      const accepted = items.map(() => ({ received: 0, missing: 0 }))
      const open: { line: number; quantity: number; missing: number; idempotencyKey: string }[] = []
      const take = async (one: (typeof open)[number], kind: Fault) => {
        const { line, quantity, missing, idempotencyKey } = one
        const body = { lines: [{ item: items[line], quantity, missing }] }
        const ask = () => staff('POST', `${PATH}/${id}/receipts`, body, { idempotencyKey })
        const { status } = await under(kind, items[line]!, ask)
        if (status === 503) return open.push(one)
        expect([201, 409]).toContain(status)
        if (status === 201) {
          accepted[line]!.received += quantity
          accepted[line]!.missing += missing
        }
      }
      for (const one of steps) {
        if (one === 'read') {
          const { body } = await staff('GET', `${PATH}/${id}`)
          for (const { inTransit, received, missing } of body.lines)
            expect(inTransit + received + missing).toBe(UNITS)
        } else if (one === 'repeat') {
          const late = open.shift()
          if (late) await take(late, 'none')
        } else if (one.quantity + one.missing > 0) {
          await take({ ...one, idempotencyKey: crypto.randomUUID() }, one.fault)
        }
      }
      while (open.length > 0) await take(open.shift()!, 'none')

      const { body } = await staff('GET', `${PATH}/${id}`)
      for (const [line, { received, missing }] of accepted.entries()) {
        expect(body.lines[line]).toMatchObject({ received, missing, inTransit: UNITS - received - missing })
        const { body: levels } = await staff('GET', `/v1/admin/stock/${items[line]}`)
        expect([levels.onHand, levels.incoming]).toEqual([received, UNITS - received - missing])
      }
      const listed = (await staff('GET', `${PATH}?limit=1`)).body.items[0]
      expect(listed).toEqual(body)
      expect((await send()).body).toEqual(sent.body)
    },
  )
  await fc.assert(property, { numRuns: RUNS })
}, 60_000)
