/** What `npm start` prints: where it runs, and the logs of its processes. */
import { expect, test } from '@jest/globals'
import { isAccessLine, readableLine } from '../../scripts/start/readable-line.ts'
import { welcome } from '../../scripts/start/welcome.ts'
import { recordedLog } from '../support/recorded-log.ts'

const { log, lines } = recordedLog()
const written = (write: () => void) => {
  write()
  return readableLine('auth', lines.at(-1)!.trimEnd())
}

test('a line of the log is its message with what is special about it', () => {
  expect(written(() => log.info({ path: 'a.graphql' }, 'serving the new supergraph'))).toBe(
    'auth: serving the new supergraph path=a.graphql',
  )
  expect(written(() => log.warn({ denied: ['a', 'b'] }, 'fields denied'))).toBe(
    'auth: warning: fields denied denied=["a","b"]',
  )
})

test('an unforeseen error has its stack below', () => {
  const err = new Error('a fault')
  expect(written(() => log.error({ err }, 'unforeseen error'))).toBe(
    `auth: error: unforeseen error\n${err.stack}`,
  )
})

test('a line of the access log is what was asked and what became of it', () => {
  const line = {
    requestId: 'x',
    type: 'query',
    operation: 'Mine',
    status: 200,
    outcome: 'ok',
    ms: 3,
  }
  const refused = {
    requestId: 'x',
    status: 401,
    outcome: 'refused',
    reason: 'TOKEN_EXPIRED',
    ms: 1,
  }
  expect(readableLine('gateway', JSON.stringify(line))).toBe('gateway: 200 query Mine in 3 ms')
  expect(readableLine('gateway', JSON.stringify(refused))).toBe(
    'gateway: 401 request refused (TOKEN_EXPIRED) in 1 ms',
  )
  const ended = { time: 't', type: 'subscription', operation: 'Prices', outcome: 'ended' }
  expect(readableLine('gateway', JSON.stringify({ ...ended, reason: 'client gone', ms: 7 }))).toBe(
    'gateway: subscription Prices ended (client gone) in 7 ms',
  )
  expect(isAccessLine(JSON.stringify(ended))).toBe(true)
  expect(isAccessLine(JSON.stringify(line))).toBe(true)
  expect(isAccessLine(lines[0]!)).toBe(false)
})

test.each(['auth listening on http://127.0.0.1:4001', '', '{ not: json', '{"a":1}'])(
  'any other line stays as it is: %j',
  (line) => expect(readableLine('auth', line)).toBe(line),
)

test('lines to log in are printed only if auth and users are in the supergraph', () => {
  const url = 'http://127.0.0.1:4000/graphql'
  const lines = welcome(url, ['shop', 'auth', 'users'])
  expect(lines).toContain(`  gateway   ${url}\n  account   alice / secret\n`)
  expect(lines).toContain('mutation { login')
  const short = welcome(url, ['shop', 'auth'])
  expect(short).toContain(`  gateway   ${url}\n`)
  expect(short).not.toMatch(/alice|login/)
})

test.each([
  ['http://127.0.0.1:4000/graphql', 'http://localhost:4000/'],
  ['http://[::1]:4000/graphql', 'http://localhost:4000/'],
  ['http://192.0.2.7:4000/graphql', 'http://192.0.2.7:4000/'],
])('the page of %s is opened at %s', (gateway, page) => {
  expect(welcome(gateway, [])).toMatch(`open ${page} in a browser`)
})
