import { afterAll } from '@jest/globals'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Makes an empty folder for the tests of a file or a describe block, and removes it after them. */
export function scratchFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'portcullis-test-'))
  afterAll(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}
