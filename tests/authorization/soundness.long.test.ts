import { expect, test } from '@jest/globals'
import { checkSoundness } from './support/soundness.ts'

test('no guarded field is resolved for or shown to a caller without the right, in any of 10 graphs', async () => {
  const report = await checkSoundness({ seed: 1, graphs: 10, operations: 20 })
  expect(report.violations).toEqual([])
  expect(report.reduced).toBeGreaterThan(report.executions / 10)
  expect(report.executions).toBe(800)
})
