/**
 * `npm run bench -- features`: what each feature for operators costs a request. Gateways that differ in
 * one setting answer the same requests in turn, and are compared with one that has everything off.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { positiveNumber, wholeNumber } from '../whole-number.ts'
import { startBenchIssuer } from './gateway/bench-issuer.ts'
import { portcullis, startStubs } from './gateway/contenders.ts'
import type { RunningContender } from './gateway/contender.ts'
import { guardedSetting } from './gateway/guarded-setting.ts'
import { measure, requestOnce } from './gateway/measure.ts'
import { operations } from './gateway/operations.ts'

const simple = operations.find(({ name }) => name === 'simple')!
const connections = 50

interface Feature {
  readonly name: string
  readonly telemetry: string
  readonly others?: string
}

const noLog = 'access_log: { sample: 0, errors: 0 }'
const off = 'http: { compression: false }'
/** No request exceeds it. */
const generous = 'limit: 1000000, per: 1s'
const rules = `[{ by: address, ${generous} }, { by: subject, ${generous} }, { by: client, ${generous} }]`
const failures = `failed_authentications: { ${generous} }`

function featuresWith(collector: string, manifest: string): readonly Feature[] {
  const traces = (ratio: number) => `traces: { endpoint: "${collector}", ratio: ${ratio} }`
  return [
    { name: 'everything off', telemetry: noLog, others: off },
    { name: 'defaults', telemetry: '' },
    { name: 'defaults, metrics and usage', telemetry: '', others: 'metrics: { port: 0 }' },
    { name: 'a log line for each request', telemetry: 'access_log: { sample: 1 }', others: off },
    { name: 'metrics and usage', telemetry: noLog, others: `${off}\nmetrics: { port: 0 }` },
    { name: 'compression, for a small response', telemetry: noLog },
    {
      name: 'a rate by subject',
      telemetry: noLog,
      others: `${off}\nrates: { rules: [{ by: subject, ${generous} }], ${failures} }`,
    },
    {
      name: 'three rates',
      telemetry: noLog,
      others: `${off}\nrates: { rules: ${rules}, ${failures} }`,
    },
    {
      name: 'three rates with headers',
      telemetry: noLog,
      others: `${off}\nrates: { rules: ${rules}, ${failures}, headers: true }`,
    },
    { name: 'traces, none is sampled', telemetry: `${noLog}, ${traces(0)}`, others: off },
    { name: 'traces, 5 %', telemetry: `${noLog}, ${traces(0.05)}`, others: off },
    { name: 'traces, all', telemetry: `${noLog}, ${traces(1)}`, others: off },
    {
      name: 'known operations only, of 100,000',
      telemetry: noLog,
      others: `${off}\noperations: { accept: known, manifests: ["${manifest}"] }`,
    },
  ]
}

/** Prints the table. */
export async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      rounds: { type: 'string', default: '5' },
      scale: { type: 'string', default: '1' },
    },
  })
  const rounds = wholeNumber(values.rounds, '--rounds')
  const scale = positiveNumber(values.scale, '--scale')
  const folder = mkdtempSync(join(tmpdir(), 'portcullis-bench-'))
  const issuer = await startBenchIssuer()
  const stubs = await startStubs()
  const collector = createServer((request, response) => {
    request.resume().on('end', () => response.writeHead(200).end('{}'))
  }).listen(0, '127.0.0.1')
  await once(collector, 'listening')
  const running: RunningContender[] = []
  try {
    const setting = guardedSetting(issuer, stubs.origins, folder)
    const tokens = await issuer.tokens(10)
    const { port } = collector.address() as AddressInfo
    const features = featuresWith(`http://127.0.0.1:${port}`, largeManifest(folder))
    for (const { name, telemetry, others = '' } of features) {
      const settings = `telemetry: { ${telemetry} }\n${others}`
      const options = { engine: 'native', share: false, warmUp: '0s', settings }
      running.push((await portcullis(name, options).start(setting))!)
    }
    const responseBytes = (await requestOnce(running[0]!.url, simple, tokens[0]!)).length
    const costs = new Map(running.map((one) => [one.name, [] as number[]]))
    for (let round = 0; round <= rounds; round++) {
      for (const one of running) {
        const { cpu } = await measure(one, simple, {
          tokens,
          requests: Math.round(simple.requests * scale),
          longest: 60_000,
          connections,
          responseBytes,
          calls: async () => 0,
        })
        // The first round only warms up.
        if (round > 0) costs.get(one.name)!.push(cpu)
      }
    }
    print(costs)
  } finally {
    for (const one of running) one.stop()
    collector.close()
    stubs.stop()
    await issuer.close()
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Returns a manifest with the operation and many others. */
function largeManifest(folder: string): string {
  const path = join(folder, 'operations.json')
  const others = Array.from({ length: 99_999 }, (_, index) => [
    `other-${index}`,
    `query Other${index} { me { id name username } }`,
  ])
  writeFileSync(path, JSON.stringify({ simple: simple.query, ...Object.fromEntries(others) }))
  return path
}

function print(costs: ReadonlyMap<string, readonly number[]>): void {
  const median = (numbers: readonly number[]) =>
    [...numbers].sort((one, other) => one - other)[numbers.length >> 1]!
  const [bare] = [...costs.values()].map(median)
  console.log('| gateway | CPU us | more than with everything off |\n|---|---|---|')
  for (const [name, measured] of costs) {
    const cpu = median(measured)
    console.log(`| ${name} | ${cpu.toFixed(0)} | ${(cpu - bare!).toFixed(1)} |`)
  }
  console.log(`\n${simple.name}, ${connections} connections; medians of the rounds.`)
}
