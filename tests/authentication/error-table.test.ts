/** The error table and its documentation say the same. */
import { expect, test } from '@jest/globals'
import { readFileSync, writeFileSync } from 'node:fs'
import { errorTable } from '../../gateway/errors.ts'
import type { ErrorRow } from '../../gateway/errors.ts'

const path = 'docs/errors.md'
const [start, end] = ['<!-- prettier-ignore-start -->\n', '\n<!-- prettier-ignore-end -->']

function documented(): string {
  const rows = Object.entries<ErrorRow>(errorTable).map(
    ([reason, { code, status, message, challenge = '', retryAfter, accessToken }]) => {
      const retry = retryAfter === undefined ? '' : `${retryAfter} s`
      const check = accessToken === 'not concerned' ? '' : accessToken.check
      return `| \`${reason}\` | ${status} | \`${code}\` | ${challenge} | ${retry} | ${check} | ${message} |`
    },
  )
  return [
    '| `reason` | status | `code` | `WWW-Authenticate: Bearer` | `Retry-After` | check | message |',
    '|---|---|---|---|---|---|---|',
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

/** The compiler is the judge: an expected error that does not occur is an error itself. */
test('a row that leaves out a column does not compile', () => {
  const complete: ErrorRow = errorTable.TOKEN_EXPIRED
  const { code, status, message, challenge, retryAfter, allow, accessToken } = complete
  const incomplete: ErrorRow[] = [
    // @ts-expect-error no code
    { status, message, challenge, retryAfter, allow, accessToken },
    // @ts-expect-error no status
    { code, message, challenge, retryAfter, allow, accessToken },
    // @ts-expect-error no message
    { code, status, challenge, retryAfter, allow, accessToken },
    // @ts-expect-error no challenge
    { code, status, message, retryAfter, allow, accessToken },
    // @ts-expect-error no retryAfter
    { code, status, message, challenge, allow, accessToken },
    // @ts-expect-error no allow
    { code, status, message, challenge, retryAfter, accessToken },
    // @ts-expect-error no columns of access tokens
    { code, status, message, challenge, retryAfter, allow },
    // @ts-expect-error no check of explain-token
    { ...complete, accessToken: { remembered: true, renewed: true } },
    // @ts-expect-error not said whether the refusal is remembered
    { ...complete, accessToken: { check: 'expiry', renewed: true } },
    // @ts-expect-error not said whether an API key gets another access token
    { ...complete, accessToken: { check: 'expiry', remembered: true } },
  ]
  expect(incomplete).toHaveLength(10)
})
