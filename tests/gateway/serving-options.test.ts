/** Who starts a process that serves gives Node the same options, wherever that is written. */
import { expect, test } from '@jest/globals'
import { readFileSync } from 'node:fs'
import { servingOptions } from '../../gateway/process/memory-settings.ts'

test.each([
  'deploy/Dockerfile',
  'deploy/systemd/portcullis-gateway.service',
  'package.json',
  'docs/operations.md',
])('%s starts Node with all options of a process that serves', (file) => {
  const lines = readFileSync(file, 'utf8').split('\n')
  const starts = lines.filter(
    (line) => line.includes(servingOptions[0]!) && /\bnode\b.*\//.test(line),
  )
  expect(starts).not.toEqual([])
  for (const line of starts) for (const option of servingOptions) expect(line).toContain(option)
})
