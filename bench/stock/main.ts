/**
 * `npm run bench:stock`: the Stock object under plain workerd against the least that any such object must do, first one hot
 * item, then many at random, each without and with the relay. Fails when a command on the hot item misses the goal.
 *
 *   --state folder   below which the objects' files go: on a disk each commit waits for it, on tmpfs the code shows
 *   --rounds 10, --seconds 1 (a phase), --connections 32, --items 1000 (the many)
 *   --only hot,hot-relayed,many,many-relayed
 *   --growth         counts the rows of a reserve behind a long history instead
 */
import { parseArgs } from 'node:util'
import { compare, type Settings } from './compare.ts'
import { measureGrowth } from './growth.ts'
import { GOAL, showComparison } from './report.ts'
import { serve } from './serve.ts'

const { values } = parseArgs({
  options: {
    state: { type: 'string' },
    rounds: { type: 'string', default: '10' },
    seconds: { type: 'string', default: '1' },
    connections: { type: 'string', default: '32' },
    items: { type: 'string', default: '1000' },
    only: { type: 'string' },
    growth: { type: 'boolean', default: false },
  },
})
const base = {
  rounds: Number(values.rounds),
  seconds: Number(values.seconds),
  connections: Number(values.connections),
}
const many = Number(values.items)
const RUNS: (Settings & { name: string; title: string })[] = [
  { ...base, name: 'hot', title: 'one hot item, no relay', items: 1, isRelayed: false },
  { ...base, name: 'hot-relayed', title: 'one hot item, relay beside it', items: 1, isRelayed: true },
  { ...base, name: 'many', title: `${many} items at random, no relay`, items: many, isRelayed: false },
  {
    ...base,
    name: 'many-relayed',
    title: `${many} items at random, relay beside them`,
    items: many,
    isRelayed: true,
  },
]

const server = await serve(values.state)
try {
  if (values.growth) process.exitCode = (await measureGrowth(server)) ? 0 : 1
  else await measureSpeed()
} finally {
  await server.stop()
}

async function measureSpeed(): Promise<void> {
  const { rounds, seconds, connections } = base
  console.log(`${rounds} rounds, ${seconds} s a phase, ${connections} connections`)
  for (const run of RUNS.filter(({ name }) => !values.only || values.only.split(',').includes(name))) {
    const summaries = showComparison(run.title, await compare(server, run, run.name))
    if (run.name === 'hot' && summaries.some(({ ratio }) => ratio < GOAL)) process.exitCode = 1
  }
}
