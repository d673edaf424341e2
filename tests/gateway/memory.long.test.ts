/** What clients send stays in memory within bounds, however much of it is different. */
import { expect, test } from '@jest/globals'
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** Returns what the flooding process reports, whose heap has at most 256 MB. */
async function flood(first: number, all: number, kind = 'of every kind') {
  const { stdout } = await run(
    process.execPath,
    [
      '--expose-gc',
      '--max-old-space-size=256',
      '--import',
      'tsx',
      'tests/support/flood-process.ts',
      String(first),
      String(all),
      kind,
    ],
    { maxBuffer: 10_000_000 },
  )
  return JSON.parse(stdout.trim().split('\n').at(-1)!) as {
    sent: number
    failed: number
    before: number
    after: number
  }
}

test('40,000 distinct operations leave the live heap where 3,000 left it', async () => {
  const { failed, before, after } = await flood(3_000, 40_000)
  expect(failed).toBe(0)
  expect(after - before).toBeLessThan(30)
}, 1_800_000)

test('every combination of conditions in large operations leaves the process alive', async () => {
  const { failed, before, after } = await flood(16 * 32, 48 * 32, 'conditions')
  expect(failed).toBe(0)
  expect(after - before).toBeLessThan(50)
}, 1_800_000)

test('large operations that are denied but for one field leave the process alive', async () => {
  const { failed, before, after } = await flood(100, 500, 'denied')
  expect(failed).toBe(0)
  expect(after - before).toBeLessThan(30)
}, 600_000)

test('every combination of guards in large operations leaves the process alive', async () => {
  const { failed, before, after } = await flood(8 * 64, 40 * 64, 'callers')
  expect(failed).toBe(0)
  expect(after - before).toBeLessThan(80)
}, 1_800_000)
