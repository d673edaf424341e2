/** The log lines, reasons and metrics that docs/operations.md names are those of the product. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from '@jest/globals'
import { errorTable } from '../../gateway/errors.ts'
import { pages, tableRows } from './pages.ts'

const page = readFileSync('docs/operations.md', 'utf8')

const sources = ['gateway', 'subgraphs']
  .flatMap((folder) =>
    readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((name) => join(folder, name)),
  )
  .filter((name) => name.endsWith('.ts') && !/node_modules|dist/.test(name))
  .map((name) => readFileSync(name, 'utf8'))
  .join('')

const lines = [...page.matchAll(/\{"level":.*\}(?=$|`)/gm)].map(
  ([line]) => JSON.parse(line) as Record<string, unknown>,
)

test('every message is one that a process logs', () => {
  const messages = lines.map(({ msg }) => String(msg))
  expect(messages.length).toBeGreaterThan(10)
  expect(messages.filter((message) => !sources.includes(message))).toEqual([])
})

test('every code and reason is a row of the error table', () => {
  const words = lines.flatMap(({ code, reason }) => [code, reason]).map(String)
  const inText = [...page.matchAll(/`([A-Z]+(?:_[A-Z]+)+)`/g)].map(([, word]) => word!)
  const reasons = [...words, ...inText].filter((word) =>
    /^(SUBGRAPH|TOKEN|KEYS?|REVOCATION|SERVICE|INTERNAL)_[A-Z_]+$/.test(word),
  )
  const settings = [
    'TOKEN_ISSUER',
    'TOKEN_STATUS_URL',
    'KEY_ENCRYPTION_SECRET',
    'KEY_ROTATION_PERIOD',
  ]
  expect(reasons.length).toBeGreaterThan(10)
  expect(reasons.filter((word) => !(word in errorTable) && !settings.includes(word))).toEqual([])
})

test('every metric is in a table of metrics', () => {
  const known = pages
    .flatMap((name) => tableRows(name))
    .map(({ cells }) => cells[0]!.replaceAll('`', ''))
    .filter((name) => name.startsWith('portcullis_'))
  const named = [...page.matchAll(/portcullis_[a-z_]+/g)].map(([name]) =>
    name.replace(/_(count|sum|bucket)$/, ''),
  )
  expect(named.filter((name) => !known.includes(name))).toEqual([])
})
