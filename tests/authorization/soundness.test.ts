import { expect, test } from '@jest/globals'
import { checkSoundness } from './support/soundness.ts'

test('no guarded field is resolved for or shown to a caller without the right, in any order of arrival', async () => {
  const report = await checkSoundness({ seed: 1, graphs: 2, operations: 20 })
  expect(report.violations).toEqual([])
  // The run is worth something only if guards bite and something is left all the same.
  expect(report.reduced).toBeGreaterThan(report.executions / 10)
  expect(report.executions).toBe(160)
})
