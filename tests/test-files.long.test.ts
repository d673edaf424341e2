/** What runs the tests, in tests/support/native: a test file that must fail does. */
import { execFile } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { beforeAll, expect, test } from '@jest/globals'
import { scratchFolder } from './support/scratch-folder.ts'

const root = fileURLToPath(new URL('../', import.meta.url))
const errors = new URL('../gateway/errors.ts', import.meta.url).href
const passes = `test('passes', () => {})`
const changesTheProcess = `test('passes', () => {
    expect(process.env.OF_ONE_FILE).toBeUndefined()
    process.env.OF_ONE_FILE = 'yes'
  })`

const failing = {
  'throws when it is imported': `throw new Error('at import')\n${passes}`,
  'has no test': '',
  'expects something outside its tests': `expect(1).toBe(2)\n${passes}`,
  'imports what the product does not export': `import { nothing } from '${errors}'
    test('passes', () => void nothing)`,
  'leaves a rejection unhandled': `test('passes', () => {
      void Promise.reject(new Error('unhandled'))
    })`,
  'has a server with an unhandled rejection': `import { createServer } from 'node:http'
    const server = createServer((request, response) => {
      response.end()
      void Promise.reject(new Error('unhandled'))
    })
    beforeAll(() => new Promise((ready) => server.listen(0, '127.0.0.1', ready)))
    afterAll(() => server.close())
    test('passes', async () => {
      const response = await fetch('http://127.0.0.1:' + server.address().port)
      await response.text()
    })`,
  'mocks a module': `jest.mock('node:fs')\n${passes}`,
}
const passing = {
  'uses the product': `import { GatewayError } from '${errors}'
    test('passes', () => expect(new GatewayError('UNAUTHENTICATED')).toBeInstanceOf(Error))`,
  'changes the process': changesTheProcess,
  'finds the process as it was': changesTheProcess,
}

const folder = scratchFolder()
const results = new Map<string, { status: string; message: string }>()

beforeAll(async () => {
  for (const [name, text] of Object.entries({ ...failing, ...passing })) {
    const globals = 'afterAll, beforeAll, expect, jest, test'
    writeFileSync(fileOf(name), `import { ${globals} } from '@jest/globals'\n${text}\n`)
  }
  const output = join(folder, 'results.json')
  const words = ['--roots', folder, '--runInBand', '--json', '--outputFile', output]
  const jest = join(root, 'node_modules/jest/bin/jest.js')
  await new Promise((ended) => execFile(process.execPath, [jest, ...words], { cwd: root }, ended))
  for (const result of JSON.parse(readFileSync(output, 'utf8')).testResults) {
    results.set(result.name, result)
  }
})

function fileOf(name: string): string {
  return join(folder, `${name}.test.ts`)
}

test.each(Object.keys(failing))('a test file that %s fails', (name) => {
  expect(results.get(fileOf(name))!.status).toBe('failed')
})

test.each(Object.keys(passing))('a test file that %s passes', (name) => {
  expect(results.get(fileOf(name))).toMatchObject({ status: 'passed', message: '' })
})

test('a failure names its line in TypeScript', () => {
  const name = 'expects something outside its tests'
  expect(results.get(fileOf(name))!.message).toContain(`${name}.test.ts:2:11`)
})
