import { afterEach, expect, test, vi } from 'vitest'
import { testClock } from '../../../runtime/clock.ts'
import { Gatherer } from '../../../runtime/gatherer.ts'

afterEach(() => {
  vi.restoreAllMocks()
  testClock.reset()
})

test('what comes at the same moment goes together, once a key; the first caller sends', async () => {
  const gatherer = new Gatherer<string>(5, 100)
  const all = await Promise.all(['a', 'b', 'a', 'c'].map((key, i) => gatherer.gather(key, `${key}${i}`)))
  expect(all).toEqual([['a2', 'b1', 'c3'], [], [], []])
  expect(await gatherer.gather('a', 'later')).toEqual(['later'])
})

test('a full message goes without what does not fit, which goes in the next', async () => {
  const gatherer = new Gatherer<number>(5, 2)
  const all = await Promise.all([1, 2, 3, 4, 5].map((n) => gatherer.gather(String(n), n)))
  expect(all).toEqual([[1, 2], [], [3, 4], [], [5]])
})

test('a first caller that died takes what was left with it, and nothing that comes a second later', async () => {
  const gatherer = new Gatherer<string>(5, 100)
  vi.spyOn(scheduler, 'wait').mockReturnValueOnce(new Promise(() => {}))
  void gatherer.gather('dead', 'dead')
  expect(await gatherer.gather('lost', 'lost')).toEqual([])
  testClock.advance(1_001)
  expect(await gatherer.gather('alive', 'alive')).toEqual(['alive'])
})
