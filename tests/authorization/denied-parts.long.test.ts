import { expect, test } from '@jest/globals'
import { compareDeniedParts } from './support/denied-parts.ts'

test('the response to a reduced operation has the data and denials that it must have, in 30 graphs', async () => {
  const report = await compareDeniedParts({ seed: 100, graphs: 30, operations: 40 })
  expect(report.differences).toEqual([])
  expect(report.reduced).toBeGreaterThan(1_000)
}, 600_000)
