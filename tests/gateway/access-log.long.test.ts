/** The access log of real processes: complete lines, none lost at a stop, and no request that waits for them. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startModule } from '../scripts/support/run-script.ts'
import { compose } from '../support/compose.ts'
import { startIssuer } from '../support/issuer.ts'
import type { TestIssuer } from '../support/issuer.ts'
import { until } from '../support/until.ts'

const folder = mkdtempSync(join(tmpdir(), 'portcullis-access-log-'))
const config = join(folder, 'gateway.yaml')
const supergraph = join(folder, 'supergraph.graphql')
let issuer: TestIssuer

beforeAll(async () => {
  issuer = await startIssuer()
  const sdl = 'type Query { users: String }'
  writeFileSync(supergraph, compose([{ name: 'users', url: 'http://127.0.0.1:9/graphql', sdl }]))
})
afterAll(async () => {
  await issuer.close()
  rmSync(folder, { recursive: true })
})

describe.each([1, 2])('with %i process(es)', (workers) => {
  const write = (more = '') =>
    writeFileSync(
      config,
      `workers: ${workers}
metrics: { port: 0 }
telemetry: { access_log: { sample: 1 } }
authentication: { issuers: [{ issuer: '${issuer.issuer}', jwks_uri: '${issuer.jwksUri}', audiences: [x] }] }
${more}`,
    )

  async function startGateway() {
    write()
    const words = ['--supergraph', supergraph, '--config', config, '--port', '0']
    const run = startModule('gateway/main', words, { GATEWAY_SECRET: 'x'.repeat(32) }, folder)
    const listening = await until(() => /listening on (\S+)/.exec(run.stdout)?.[1])
    return { run, url: listening }
  }

  async function ask(url: string): Promise<string | null> {
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{"query":"{ __typename }"}',
    })
    await response.text()
    return response.headers.get('x-request-id')
  }

  test('every request has its line, the last ones before a stop too', async () => {
    const { run, url } = await startGateway()
    const ids: (string | null)[] = []
    for (let round = 0; round < 20; round++) {
      ids.push(...(await Promise.all(Array.from({ length: 25 }, () => ask(url)))))
    }
    run.process.kill('SIGTERM')
    expect(await run.ended).toBe(0)
    const lines = run.stdout.split('\n').filter((line) => line.startsWith('{'))
    const logged = lines.map((line) => (JSON.parse(line) as { requestId: string }).requestId)
    expect(logged.sort()).toEqual(ids.sort())
  })

  test('an output that nobody reads delays no request', async () => {
    const { run, url } = await startGateway()
    run.process.stdout!.pause()
    // More than a pipe holds, and some of what is kept.
    for (let round = 0; round < 40; round++) {
      await Promise.all(Array.from({ length: 25 }, () => ask(url)))
    }
    run.process.stdout!.destroy()
    for (let round = 0; round < 20; round++) await ask(url)
    run.process.kill('SIGTERM')
    expect(await run.ended).toBe(0)
  })

  test('an output that nobody reads delays no stop', async () => {
    const { run, url } = await startGateway()
    run.process.stdout!.pause()
    for (let round = 0; round < 40; round++) {
      await Promise.all(Array.from({ length: 25 }, () => ask(url)))
    }
    const exited = once(run.process, 'exit')
    run.process.kill('SIGTERM')
    expect(await exited).toEqual([0, null])
    run.process.stdout!.destroy()
  })

  test('an output that is closed at the end delays no stop', async () => {
    const { run, url } = await startGateway()
    await ask(url)
    run.process.stdout!.destroy()
    await ask(url)
    run.process.kill('SIGTERM')
    expect(await run.ended).toBe(0)
  })

  test('a configuration that cannot be used is counted', async () => {
    const { run, url } = await startGateway()
    const started = await until(() => /"url":"([^"]+\/metrics)"/.exec(run.stderr)?.[1])
    const metrics = async () => (await fetch(started)).text()
    expect(await metrics()).toContain('portcullis_configurations_refused_total 0')
    write('nonsense: true')
    run.process.kill('SIGHUP')
    await until(async () => (await metrics()).includes('portcullis_configurations_refused_total 1'))
    await ask(url)
    run.process.kill('SIGTERM')
    expect(await run.ended).toBe(0)
  })
})
