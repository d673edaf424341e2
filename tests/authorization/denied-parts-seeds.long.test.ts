import { expect, test } from '@jest/globals'
import { compareDeniedParts } from './support/denied-parts.ts'

test('the response to a reduced operation has the data and the denials that it must have', async () => {
  const report = await compareDeniedParts({ seed: 4013, graphs: 2, operations: 30 })
  expect(report.differences).toEqual([])
  expect(report.reduced).toBeGreaterThan(50)
  expect(report.withErrors).toBeGreaterThan(1)
})
