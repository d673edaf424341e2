/** docs/standards.md names files and tests that exist. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { expect, test } from '@jest/globals'
import { tableRows } from './pages.ts'

const rows = tableRows('docs/standards.md').map(({ cells: [standard, , where, test] }) => ({
  standard: standard!,
  where: where!.replaceAll('`', ''),
  test: test!,
}))

const sources = ['gateway', 'subgraphs'].flatMap((folder) =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((name) => join(folder, name)),
)

test.each(rows)('$standard: $test', ({ where, test: named }) => {
  const [, file, name] = /^`([^`]+)`: (.+)$/.exec(named) ?? []
  expect(existsSync(file!)).toBe(true)
  const titles = [...readFileSync(file!, 'utf8').matchAll(/(['"`])((?:(?!\1).)*)\1/g)]
  expect(titles.some(([, , title]) => title!.includes(name!))).toBe(true)
  expect(sources.some((path) => basename(path) === basename(where))).toBe(true)
})
