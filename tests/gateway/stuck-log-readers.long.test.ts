/** Readers of the logs that hang or go away: the gateway serves on, loses lines, and says so. */
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { execFileSync, spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, constants, openSync, readSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { compose } from '../support/compose.ts'
import { startIssuer } from '../support/issuer.ts'
import type { TestIssuer } from '../support/issuer.ts'
import { runCompiled } from '../support/run-compiled.ts'
import { scratchFolder } from '../support/scratch-folder.ts'
import { until } from '../support/until.ts'

const folder = scratchFolder()
const config = join(folder, 'gateway.yaml')
const supergraph = join(folder, 'supergraph.graphql')
let issuer: TestIssuer
let child: ChildProcess | undefined

beforeAll(async () => {
  issuer = await startIssuer()
  const sdl = 'type Query { users: String }'
  writeFileSync(supergraph, compose([{ name: 'users', url: 'http://127.0.0.1:9/graphql', sdl }]))
  writeFileSync(
    config,
    `metrics: { port: 0 }
telemetry: { access_log: { sample: 1 } }
authentication: { issuers: [{ issuer: '${issuer.issuer}', jwks_uri: '${issuer.jwksUri}', audiences: [x] }] }`,
  )
})
afterAll(() => {
  child?.kill('SIGKILL')
  return issuer.close()
})

/** A pipe with a name, as between a process and the program that collects its log. */
function namedPipe(name: string) {
  const path = join(folder, name)
  execFileSync('mkfifo', [path])
  const reading = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
  let text = ''
  return {
    writing: openSync(path, constants.O_WRONLY),
    /** Returns everything that has been read, after reading what is there. */
    read(): string {
      const bytes = Buffer.alloc(65_536)
      try {
        for (let size; (size = readSync(reading, bytes)) > 0;)
          text += bytes.toString('latin1', 0, size)
      } catch {
        // Nothing is there.
      }
      return text
    },
    stopReading: () => closeSync(reading),
  }
}

test('a gateway whose log readers hang, and then go away, serves and stops as ever', async () => {
  const output = namedPipe('stdout')
  const log = namedPipe('stderr')
  const words = ['--supergraph', supergraph, '--config', config, '--port', '0']
  child = spawn(process.execPath, runCompiled('gateway/main', ...words), {
    env: { PATH: process.env.PATH, GATEWAY_SECRET: 'x'.repeat(32) },
    stdio: ['ignore', output.writing, log.writing],
  })
  for (const { writing } of [output, log]) closeSync(writing)
  const exited = once(child, 'exit')
  const url = await until(() => /listening on (\S+)/.exec(output.read())?.[1])
  const metricsUrl = await until(() => /"url":"([^"]+\/metrics)"/.exec(log.read())?.[1])
  const lost = async () => {
    const text = await (await fetch(metricsUrl)).text()
    return Number(/^portcullis_access_log_lines_lost_total (\d+)$/m.exec(text)![1])
  }
  const flood = async (rounds: number) => {
    for (let round = 0; round < rounds; round++) {
      const responses = Array.from({ length: 50 }, async () => {
        const response = await fetch(url, {
          method: 'POST',
          headers: {
            'content-type': 'application/json',
            authorization: 'Bearer a.b.c',
            'apollographql-client-name': 'x'.repeat(64),
            'apollographql-client-version': 'x'.repeat(64),
          },
          body: '{"query":"{ users }"}',
        })
        await response.text()
        return response.status
      })
      expect(new Set(await Promise.all(responses))).toEqual(new Set([401]))
    }
  }

  // More than the pipes and what is kept for them: 1 MB each.
  await flood(160)
  expect(await lost()).toBeGreaterThan(0)
  await until(() => /"lines":\d+,"msg":"lines of this log are lost/.test(log.read()))
  await until(() => /"lines":\d+.*"lines of the access log are lost"/.test(log.read()))
  const whole = log.read().split('\n').slice(0, -1)
  expect(whole.filter((line) => !line.startsWith('{') || !line.endsWith('}'))).toEqual([])

  output.read()
  output.stopReading()
  log.stopReading()
  const before = await lost()
  await flood(1)
  await until(async () => (await lost()) > before)
  child.kill('SIGTERM')
  expect(await exited).toEqual([0, null])
})
