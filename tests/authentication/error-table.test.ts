/** The error table and its documentation say the same. */
import { expect, test } from '@jest/globals'
import { readFileSync, writeFileSync } from 'node:fs'
import { errorTable } from '../../gateway/errors.ts'
import type { ErrorRow } from '../../gateway/errors.ts'

const path = 'docs/errors.md'
const [start, end] = ['<!-- prettier-ignore-start -->\n', '\n<!-- prettier-ignore-end -->']

function documented(): string {
  const rows = Object.entries<ErrorRow>(errorTable).map(
    ([reason, { code, status, message, challenge, retryAfter }]) => {
      const header = challenge === 'none' ? 'without error' : (challenge ?? '')
      const retry = retryAfter === undefined ? '' : `${retryAfter} s`
      return `| \`${reason}\` | ${status} | \`${code}\` | ${header} | ${retry} | ${message} |`
    },
  )
  return [
    '| `reason` | status | `code` | `WWW-Authenticate: Bearer` | `Retry-After` | message |',
    '|---|---|---|---|---|---|',
    ...rows,
  ].join('\n')
}

/** `UPDATE_DOCS=1 npm test -- error-table` writes the table anew. */
test(`${path} has every row of the error table, word for word`, () => {
  const text = readFileSync(path, 'utf8')
  const [before, table, after] = [
    text.slice(0, text.indexOf(start) + start.length),
    text.slice(text.indexOf(start) + start.length, text.indexOf(end)),
    text.slice(text.indexOf(end)),
  ]
  if (process.env.UPDATE_DOCS) return writeFileSync(path, before + documented() + after)
  expect(table).toBe(documented())
})
