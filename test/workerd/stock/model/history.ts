import fc from 'fast-check'
import { now, testClock } from '../../../../runtime/clock.ts'
import type { Outcome } from '../../../../schema/outcome.ts'
import type { OutboxEvent, Pulled } from '../../../../schema/rpc/source.ts'
import type { StockPolicy, Taken } from '../../../../schema/rpc/stock.ts'
import { type Call, Callers, NO_POLICY } from './callers.ts'
import { checkLedger, checkState, expectSame, titlesOf } from './checks.ts'
import { goods, rarely, type Step, steps, type Weights } from './commands.ts'
import { ReferenceModel, type Verdict } from './reference-model.ts'
import type { Inside, Subject } from './subject.ts'

/** Far from today, so that the platform rings no alarm by itself: here the history does. */
const BEGIN_AT = Date.UTC(2040, 0, 1)
/** So long after the last step everything has come to its end. */
const AFTER_ALL_MS = 30 * 24 * 3_600_000
/** Longer than answers and ends are kept. */
const SLEEP_MS = 8 * 24 * 3_600_000
/** Enough rows for the object to give some away to the log, and then more. */
const BUSTLE = 330
const BUSTLE_CARRIED_EVERY = 110
/** What a relay that is slow takes of those. */
const SLOW_PULL = 60
/** Units that a purchase looks for after each of its commands. */
const LOOKED_FOR = 2

/** Random histories, of some goods and a policy to begin with: the property that all of this is about. */
export function histories(
  weights: Weights,
  make: (isUnborn: boolean) => Subject,
  size = { minLength: 4, maxLength: 24 },
) {
  const birth = fc.record({
    isUnborn: rarely(8, fc.constant(true)),
    /** The write at which the disk fails the first command of all. */
    faultAt: rarely(4, fc.integer({ min: 1, max: 6 })),
    backorderLimit: fc.constantFrom(0, 0, 1, 2, 3),
    safetyStock: fc.constantFrom(0, 0, 1),
  })
  return fc.asyncProperty(birth, goods, steps(weights, size), async (birth, goods, steps) => {
    const subject = make(birth.isUnborn === true)
    const { faultAt, backorderLimit, safetyStock } = birth
    try {
      await play(subject, { ...NO_POLICY, backorderLimit, safetyStock }, faultAt, [...goods, ...steps])
    } finally {
      subject.close?.()
    }
  })
}

/** Plays steps on a fresh object and on the model, and compares them after each; throws where they differ. */
async function play(
  subject: Subject,
  policy: StockPolicy,
  faultAt: number | null,
  steps: readonly Step[],
): Promise<void> {
  testClock.freeze(BEGIN_AT)
  const history = new History(policy, faultAt)
  const lives: Step[][] = [[]]
  for (const step of steps) {
    if (step.do === 'evict') lives.push([])
    else lives.at(-1)!.push(step)
  }
  for (const [n, life] of lives.entries()) {
    if (n > 0) await subject.evict()
    await subject.inside(async (inside) => {
      if (n === 0) await history.begin(inside)
      for (const step of life) await history.step(step, inside)
      if (n === lives.length - 1) await history.end(inside)
    })
  }
}

class History {
  readonly #model: ReferenceModel
  readonly #callers: Callers
  readonly #sent: Call[] = []
  readonly #pulls: Pulled[] = []
  /** What the relay has carried to the log. */
  readonly #log: OutboxEvent[] = []
  #policy: StockPolicy
  #sequence = 0
  #faultAt: number | null = null

  constructor(policy: StockPolicy, faultAt: number | null) {
    this.#faultAt = faultAt
    this.#policy = policy
    this.#model = new ReferenceModel()
    this.#callers = new Callers(this.#model, BEGIN_AT)
  }

  async begin(inside: Inside): Promise<void> {
    const call = this.#callers.policyCall(this.#policy, [])
    await this.#send(call, inside)
    // Nobody knows the item before this command is through.
    if (this.#sent.length === 0) await this.#send(call, inside)
  }

  async step(step: Step, inside: Inside): Promise<void> {
    const model = this.#model
    model.at = now()
    switch (step.do) {
      case 'wait':
        testClock.advance(step.ms)
        break
      case 'sleep':
        testClock.advance(SLEEP_MS)
        break
      case 'waitUntil': {
        const ahead = model.instants.filter((instant) => instant > now()).sort((a, b) => a - b)
        if (ahead.length > 0) testClock.freeze(ahead[step.which % ahead.length]! + step.offset)
        break
      }
      case 'alarm':
        await this.#ring(inside)
        break
      case 'pull':
        await this.#pull(step.limit, inside)
        break
      case 'confirm':
        await this.#confirm(step.which, inside)
        break
      case 'fault':
        this.#faultAt = step.write
        return
      case 'bustle':
        for (let n = 1; n <= BUSTLE; n++) {
          await this.#send(this.#callers.bustleCall(step.location, n), inside)
          if (n % BUSTLE_CARRIED_EVERY === 0) await this.#carry(step.isRelaySlow ? SLOW_PULL : 1_000, inside)
        }
        break
      case 'again': {
        const call = this.#sent.at(-1 - step.back)
        if (call) await this.#send(call, inside)
        break
      }
      case 'together':
        await this.#sendTogether(
          step.steps.flatMap((part) => this.#callers.callsOf(part)),
          inside,
        )
        break
      default:
        for (const call of this.#callers.callsOf(step)) await this.#send(call, inside)
    }
    model.at = now()
    await checkState(inside, model)
  }

  /** Everything comes to its end: alarms ring when they are due, the relay fetches, and the whole ledger is looked at. */
  async end(inside: Inside): Promise<void> {
    const endAt = now() + AFTER_ALL_MS
    for (let rung = 0; ; rung++) {
      await this.#drain(inside)
      const alarmAt = await inside.alarmAt()
      if (alarmAt === null || alarmAt > endAt) break
      if (rung > 200) throw new Error('the alarm rings for ever')
      testClock.freeze(Math.max(now(), alarmAt))
      await this.#ring(inside)
    }
    this.#model.at = now()
    await checkState(inside, this.#model)
    await checkLedger(inside, this.#model, this.#log)
  }

  /** Sends a command to both; what the object says, what it tells and what it then is must be what the model says. */
  async #send(call: Call, inside: Inside): Promise<void> {
    const faultAt = this.#faultAt
    this.#faultAt = null
    inside.failWriteIn?.(faultAt)
    let outcome: Outcome<object>
    try {
      outcome = await this.#ask(call, inside)
    } catch (error) {
      if (!(error instanceof Error && error.message.includes('injected'))) throw error
      if (this.#sent.length === 0) return
      // Whether what was overdue had ended before the disk failed is open; the alarm sees to it either way.
      return this.#ring(inside)
    } finally {
      inside.failWriteIn?.(null)
    }
    this.#compareAnswer(call, outcome)
    this.#compareTold(inside)
    const { purchaseId } = call.command as { purchaseId?: string }
    if (purchaseId) await this.#look(purchaseId, inside)
  }

  /** Sends commands at once, none waiting for the answer of another: they are carried out in this order all the same. */
  async #sendTogether(calls: Call[], inside: Inside): Promise<void> {
    const outcomes = await Promise.all(calls.map((call) => this.#ask(call, inside)))
    for (const [n, call] of calls.entries()) this.#compareAnswer(call, outcomes[n]!)
    this.#compareTold(inside)
  }

  #ask({ method, command }: Call, inside: Inside): Promise<Outcome<object>> {
    return inside.stock[method](command as never)
  }

  #compareAnswer(call: Call, outcome: Outcome<object>): void {
    const model = this.#model
    if (this.#sent.at(-1) !== call) this.#sent.push(call)
    model.at = now()
    model.settle()
    const expected = model[call.method](call.command as never) as Verdict
    const what = `${call.method} ${JSON.stringify(call.command)}`
    expectSame(`${what} answers`, verdictOf(outcome, expected), expected)
  }

  /** What a look says now is what a reserve would. */
  async #look(purchaseId: string, inside: Inside): Promise<void> {
    const quantity = LOOKED_FOR
    const seen = await inside.stock.look({ purchaseId, quantity })
    const expected = this.#model.look(purchaseId, quantity)
    expectSame(`a look at ${quantity} units`, seen.ok ? ['ok', seen.most] : [seen.code, seen.facts], expected)
  }

  async #ring(inside: Inside): Promise<void> {
    await inside.clearAlarm()
    // Not waited for: it ends when its nudge has gone out, and its work is done long before.
    void inside.stock.alarm()
    this.#model.at = now()
    this.#model.settle()
    this.#compareTold(inside)
  }

  /** The rows that the ledger has now and did not have before, each a title. */
  #compareTold(inside: Inside): void {
    const rows = inside.rows(`select * from movement where sequence > ${this.#sequence} order by sequence`)
    expectSame(
      'the sequence of what is told',
      rows.map((row) => row.sequence),
      rows.map((_, i) => this.#sequence + 1 + i),
    )
    this.#sequence += rows.length
    expectSame('what is told', titlesOf(rows), this.#model.told)
    this.#model.told = []
  }

  async #pull(limit: number, inside: Inside): Promise<Pulled> {
    const pulled = await inside.stock.pull(limit)
    this.#pulls.push(pulled)
    for (const event of pulled.events) {
      const known = this.#log[event.sequence - 1]
      if (known) expectSame('an event that was pulled before', event, known)
      else this.#log.push(event)
    }
    return pulled
  }

  async #confirm(which: 'newest' | 'older' | 'invented', inside: Inside): Promise<void> {
    const pulled = this.#pulls.at(which === 'older' ? -2 : -1)
    // What was never pulled must not count as confirmed beyond what there is; a relay that says so has pulled it all.
    if (which === 'invented') await this.#pull(1_000_000, inside)
    if (!pulled && which !== 'invented') return
    const outbox = which === 'invented' ? 1_000_000 : (pulled!.events.at(-1)?.outbox ?? 0)
    const version = which === 'invented' ? 1_000_000 : (pulled!.document?.version ?? null)
    const before = itemRow(inside)
    await inside.stock.confirm(outbox, version)
    const after = itemRow(inside)
    // Up and never down, and never past what there is, whatever a relay says.
    const confirmed = Math.max(before.confirmed, Math.min(outbox, this.#sequence))
    expectSame('how far the log is confirmed', after.confirmed, confirmed)
    if (after.pruned_sequence > confirmed) throw new Error('movements have left that the log does not have')
    this.#model.at = now()
    if (after.pruned_sequence !== before.pruned_sequence) this.#model.forget()
  }

  async #drain(inside: Inside): Promise<void> {
    while (await this.#carry(1_000, inside));
  }

  /** One run of events goes to the log; says whether more wait. */
  async #carry(limit: number, inside: Inside): Promise<boolean> {
    const { hasMore } = await this.#pull(limit, inside)
    await this.#confirm('newest', inside)
    return hasMore
  }
}

function itemRow(inside: Inside): { confirmed: number; pruned_sequence: number } {
  return inside.rows('select * from item')[0] as { confirmed: number; pruned_sequence: number }
}

/** Facts are compared where the model names them. */
function verdictOf(outcome: Outcome<object>, expected: Verdict): Verdict {
  if (!outcome.ok) return expected[1] === undefined ? [outcome.code] : [outcome.code, outcome.facts]
  const { taken } = outcome as { taken?: Taken[] }
  if (!taken) return ['ok']
  return ['ok', taken.flatMap(({ location, lot, quantity }) => Array(quantity).fill(`${location}/${lot}`))]
}
