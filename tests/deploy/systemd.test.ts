/** The units in deploy/systemd, as systemd reads and judges them. */
import { describe, expect, test } from '@jest/globals'
import { spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { scratchFolder } from '../support/scratch-folder.ts'
import { processNames, unit, unitPath } from './deployed-processes.ts'
import type { ProcessName } from './deployed-processes.ts'
import { whyNot } from './missing-tools.ts'

/** Of 100, by `systemd-analyze security`: 0 is a service that can do nothing. */
const mostExposure = 15

const reason = whyNot('the systemd units', ['systemd-analyze'])
const testSystemd = reason === undefined ? test : test.skip
const scratch = scratchFolder()

describe.each(processNames)('portcullis-%s.service', (name) => {
  testSystemd('is valid', () => {
    const { status, stdout, stderr } = spawnSync(
      'systemd-analyze',
      ['verify', '--man=no', '--recursive-errors=no', withoutPaths(name)],
      { encoding: 'utf8' },
    )
    expect([status, stdout, stderr]).toEqual([0, '', ''])
  })

  testSystemd('exposes little', () => {
    const { status, stdout } = spawnSync(
      'systemd-analyze',
      ['security', '--offline=true', `--threshold=${mostExposure}`, '--no-pager', unitPath(name)],
      { encoding: 'utf8' },
    )
    expect([status, stdout.split('\n').findLast((line) => line.includes('exposure'))]).toEqual([
      0,
      expect.any(String),
    ])
  })

  test('V8 may make machine code, and a failure is followed by a new start', () => {
    expect(unit(name).get('MemoryDenyWriteExecute')).toEqual(['no'])
    expect(unit(name).get('Restart')).toEqual(['on-failure'])
  })
})

test('the gateway reads its configuration again on reload', () => {
  expect(unit('gateway').get('ExecReload')).toEqual(['/bin/kill -HUP $MAINPID'])
})

/** Returns the path of a copy that names no program of this machine's: verify looks for it. */
function withoutPaths(name: ProcessName): string {
  const folder = join(scratch, name)
  mkdirSync(folder)
  const copy = join(folder, `portcullis-${name}.service`)
  writeFileSync(
    copy,
    readFileSync(unitPath(name), 'utf8').replace('/usr/bin/node', process.execPath),
  )
  return copy
}
