/** `npm run bench -- gateway`: what it measures, what it draws, and which options it refuses. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from '@jest/globals'
import { scratchFolder } from '../support/scratch-folder.ts'
import { startModule } from './support/run-script.ts'

const folder = scratchFolder()
const bench = (...options: string[]) =>
  startModule('scripts/bench', ['gateway', ...options], {}, folder)

const figures = {
  ...{ connections: 50, cpu: 300, perSecond: 900, p50: 1, p99: 2, p99ToFloor: 1.2 },
  ...{ memoryAtRest: 60, memory: 80, calls: 1 },
}
const floor = { ...figures, contender: 'floor: node:http + undici by hand', toFloor: 1 }
const gateway = { ...figures, contender: 'Portcullis (engine: native)', toFloor: 1.44 }
const peer = { ...figures, contender: 'A & B <gateway>', toFloor: 12.6 }
const saved = join(folder, 'saved.json')
writeFileSync(
  saved,
  JSON.stringify({
    date: '2026-01-02T03:04:05.678Z',
    node: 'v20.0.0',
    processors: '2 x Example',
    rows: [
      ...[floor, gateway].map((row) => ({ ...row, operation: 'simple', tokens: 1 })),
      ...[floor, gateway, peer].map((row) => ({ ...row, operation: 'simple', tokens: 10_000 })),
      ...[floor, gateway].map((row) => ({ ...row, operation: 'denied', tokens: 1 })),
    ],
  }),
)

test('operations that are new, denied in part or erroneous are measured with both engines', async () => {
  const json = join(folder, 'report.json')
  const run = bench(
    ...['--rounds', '1', '--scale', '0.01', '--json', json],
    ...['--operations', 'first-sight,denied,erroneous'],
    ...['--only', 'Portcullis (engine: native),Portcullis (engine: apollo)'],
  )
  expect({ exitCode: await run.ended, stderr: run.stderr }).toEqual({ exitCode: 0, stderr: '' })
  expect(run.stdout).toContain('3 operations: all responses are as expected')
  const { rows } = JSON.parse(readFileSync(json, 'utf8')) as {
    rows: { contender: string; operation: string; cpu: number; calls: number }[]
  }
  expect(rows.map(({ operation, contender }) => `${operation}, ${contender}`)).toEqual(
    ['first-sight', 'denied', 'erroneous'].flatMap((operation) => [
      `${operation}, floor: node:http + undici by hand`,
      `${operation}, Portcullis (engine: native)`,
      `${operation}, Portcullis (engine: apollo)`,
    ]),
  )
  // Each request causes the same work in the subgraphs, for the floor and for the gateways.
  expect(rows.map(({ calls }) => calls)).toEqual(rows.map(() => 1))
})

test('large responses and chains are measured, and memory at rest and under load', async () => {
  const json = join(folder, 'large.json')
  const run = bench(
    ...['--rounds', '1', '--scale', '0.01', '--json', json],
    ...['--operations', 'chain,wide,big,big join', '--only', 'Portcullis (engine: native)'],
  )
  expect({ exitCode: await run.ended, stderr: run.stderr }).toEqual({ exitCode: 0, stderr: '' })
  const { rows } = JSON.parse(readFileSync(json, 'utf8')) as {
    rows: { operation: string; calls: number; memoryAtRest: number; memory: number }[]
  }
  expect(rows.map(({ operation, calls }) => [operation, calls])).toEqual(
    [
      ['chain', 5],
      ['wide', 2],
      ['big', 1],
      ['big join', 2],
    ].flatMap((row) => [row, row]),
  )
  for (const { memoryAtRest, memory } of rows) {
    expect(memoryAtRest).toBeGreaterThan(10)
    expect(memory).toBeGreaterThan(10)
  }
})

test('a saved report is printed and drawn: a bar for each contender and operation', async () => {
  const svg = join(folder, 'picture.svg')
  const run = bench('--from', saved, '--picture', svg)
  expect(await run.ended).toBe(0)
  expect(run.stdout).toContain('2026-01-02, Node v20.0.0, 2 x Example')
  expect(run.stdout).toContain('| A & B <gateway> | - | - | - | - | - | - | - | - | - |')
  const drawn = readFileSync(svg, 'utf8')
  expect(drawn).toMatch(/^<svg xmlns="http:\/\/www\.w3\.org\/2000\/svg"/)
  expect(drawn.match(/<rect class="own"/g)).toHaveLength(2)
  expect(drawn.match(/<rect class="other"/g)).toHaveLength(1)
  expect(drawn).toContain('>A &#38; B &#60;gateway&#62;</text>')
  expect(drawn).toContain('CPU time per request relative to a hand-written program')
  expect(drawn).toContain('2026-01-02, Node v20.0.0, 2 x Example')
  expect(drawn).toContain('prefers-color-scheme: dark')
})

test('the usage names the operations', async () => {
  const run = bench('--help')
  expect(await run.ended).toBe(0)
  for (const name of [
    'chain',
    'wide',
    'big join',
    'first-sight',
    'denied',
    'erroneous',
    '--picture FILE',
    '--from FILE',
  ]) {
    expect(run.stdout).toContain(name)
  }
})

const refusals: readonly [options: readonly string[], line: string | RegExp][] = [
  [['--operations', 'simple,nope'], /--operations has "nope": give one of .*"first-sight"/],
  [['--only', 'nobody'], /--only has "nobody": give one of "floor: /],
  [['--scale', 'much'], '--scale is "much": give a number above 0, for instance 0.3'],
  [['--scale', '0'], '--scale is "0": give a number above 0, for instance 0.3'],
  [['--rounds', '0'], '--rounds is "0": give a whole number of 1 or more'],
  [['--picture', 'a.png'], '--picture is "a.png": give the name of an .svg file'],
  [['--json', 'gone/a.json'], '--json: the folder gone does not exist: create it first'],
  [['--picture', 'gone/a.svg'], '--picture: the folder gone does not exist: create it first'],
  [['--from', 'gone.json'], '--from: gone.json is not a file that --json has written'],
]

test.each(refusals)('%j is refused before anything is measured', async (options, line) => {
  const run = bench(...options)
  expect(await run.ended).toBe(1)
  expect(run.stdout).toBe('')
  expect(run.stderr).toMatch(line instanceof RegExp ? line : `bench: ${line}\n`)
})
