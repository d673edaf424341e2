import { readdirSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from '@jest/globals'
import { keepCompiledCode } from '../../scripts/portcullis/keep-compiled-code.ts'
import { scratchFolder } from '../support/scratch-folder.ts'

const folder = scratchFolder()

function kept(environment: Record<string, string>, isPossible = true) {
  const enabled: string[] = []
  const given = { ...environment }
  const enableCompileCache = (directory: string) => ({
    directory: (enabled.push(directory), directory),
  })
  keepCompiledCode(given, isPossible ? { enableCompileCache } : {})
  return { enabled, forChildren: given.NODE_COMPILE_CACHE }
}

test('Node without a compile cache keeps nothing', () => {
  expect(kept({ DATA_DIR: folder }, false)).toEqual({ enabled: [] })
  expect(readdirSync(folder)).toEqual([])
})

test('compiled code is kept in DATA_DIR, for its owner only, and for the processes that are started', () => {
  const code = join(folder, 'data', 'compiled-code')
  expect(kept({ DATA_DIR: join(folder, 'data') })).toEqual({ enabled: [code], forChildren: code })
  expect(statSync(code).mode & 0o777).toBe(0o700)
})

test('a folder that cannot be made is harmless', () => {
  const file = join(folder, 'file')
  writeFileSync(file, '')
  expect(kept({ DATA_DIR: file })).toEqual({ enabled: [] })
})

test.each([
  [{ NODE_COMPILE_CACHE: '/elsewhere' }, '/elsewhere'],
  [{ NODE_DISABLE_COMPILE_CACHE: '1' }, undefined],
])("Node's own settings decide: %j", (own, forChildren) => {
  expect(kept({ DATA_DIR: folder, ...own })).toEqual({ enabled: [], forChildren })
})
