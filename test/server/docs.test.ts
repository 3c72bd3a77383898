import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { expect, test } from 'vitest'
import { PERMITTED } from '../../durable-objects/purchase/order-states.ts'

const pages = [
  'README.md',
  'CHANGELOG.md',
  ...readdirSync('docs', { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.md'))
    .map((file) => join('docs', file)),
]

test.each(pages)('%s links to nothing that is not there', (page) => {
  const links = [...readFileSync(page, 'utf8').matchAll(/\]\(([^)#\s]+)(?:#[^)]*)?\)/g)].map(
    (match) => match[1]!,
  )
  const missing = links.filter((link) => !/^https?:/.test(link) && !existsSync(join(dirname(page), link)))
  expect(missing).toEqual([])
})

test('every decision is in the list of decisions', () => {
  const list = readFileSync('docs/decisions/README.md', 'utf8')
  const decisions = readdirSync('docs/decisions').filter((file) => /^\d{4}-/.test(file))
  expect(decisions.filter((file) => !list.includes(`(${file})`))).toEqual([])
})

test('the page on orders permits what the code permits', () => {
  const cells = (line: string) =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim().replaceAll('`', ''))
  const words = (states: readonly string[] | 'any') => (states === 'any' ? 'any' : states.join(', '))
  const expected = Object.entries(PERMITTED).map(
    ([command, { status, paymentStatus, fulfillmentStatus }]) => [
      command,
      words(status),
      words(paymentStatus),
      words(fulfillmentStatus),
    ],
  )
  const lines = readFileSync('docs/orders.md', 'utf8').split('\n')
  const first = lines.findIndex((line) => /^\| Command +\| status /.test(line)) + 2
  const length = lines.slice(first).findIndex((line) => !line.startsWith('|'))
  expect(lines.slice(first, first + length).map(cells)).toEqual(expected)
})
