/** Two gateway processes whose supergraph comes from a URL. */
import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals'
import { createSigningKey, readSigner } from '../../scripts/compose/sign-supergraph.ts'
import { send } from '../../scripts/walkthrough/send.ts'
import { compose } from '../support/compose.ts'
import { startIssuer } from '../support/issuer.ts'
import type { TestIssuer } from '../support/issuer.ts'
import { remoteGateways } from '../support/remote-gateway.ts'
import { runCompiled } from '../support/run-compiled.ts'
import { signaturePath, supergraphPath } from '../support/supergraph-server.ts'
import { until } from '../support/until.ts'

const on = remoteGateways()
let issuer: TestIssuer
let child: ChildProcess | undefined

interface Workers {
  readonly url: string
  readonly child: ChildProcess
  output(): string
  configure(supergraph: object): void
  /** Returns whether each of many requests, which reach both processes, finds the field. */
  allServe(field: string): Promise<boolean>
}

beforeAll(async () => {
  issuer = await startIssuer()
})
afterEach(async () => {
  if (child?.exitCode === null) {
    child.kill('SIGTERM')
    await once(child, 'exit')
  }
})
afterAll(() => issuer.close())

async function start(supergraph: object, data = mkdtempSync(join(on.folder, 'data-'))) {
  const file = join(data, 'gateway.yaml')
  const trusted = { issuer: issuer.issuer, jwks_uri: issuer.jwksUri, audiences: ['portcullis'] }
  const configure = (section: object) =>
    writeFileSync(
      file,
      JSON.stringify({
        workers: 2,
        authentication: { issuers: [trusted] },
        supergraph: section,
        http: { public_url: 'https://api.example.com/graphql' },
      }),
    )
  configure(supergraph)
  const words = ['--supergraph', on.source.url, '--config', file, '--port', '0']
  const started = spawn(process.execPath, runCompiled('gateway/main', ...words), {
    env: {
      PATH: process.env.PATH,
      GATEWAY_SECRET: 'a secret that only these tests of workers know',
      DATA_DIR: data,
    },
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  })
  child = started
  let output = ''
  started.stderr!.on('data', (chunk) => (output += chunk))
  const url = await new Promise<string>((resolve, reject) => {
    started.once('message', (message) => resolve((message as { listening: string }).listening))
    started.once('exit', (code) => reject(new Error(`the gateway ended with ${code}: ${output}`)))
  })
  const workers: Workers = {
    url,
    child: started,
    output: () => output,
    configure,
    async allServe(field) {
      const requests = Array.from({ length: 12 }, () => send(url, { query: `{ ${field} }` }))
      return (await Promise.all(requests)).every(({ status }) => status === 200)
    },
  }
  return { ...workers, data }
}

const isReady = (url: string) => async () =>
  (await fetch(new URL('/ready', url)).catch(() => undefined))?.status === 200

test('one request for all workers, also for those that start later', async () => {
  const { url, allServe, output } = await start({ poll: '1h' })
  await until(isReady(url))
  expect(await allServe('v1')).toBe(true)
  const [worker] = /"processes":\[(\d+)/.exec(output())!.slice(1).map(Number)
  process.kill(worker!, 'SIGKILL')
  await until(() => output().includes('a worker has taken its place'))
  expect(await allServe('v1')).toBe(true)
  expect(on.source.requests).toHaveLength(1)
})

test('all workers serve a new supergraph, and SIGHUP requests it at once with the new header', async () => {
  const { url, allServe, child, configure } = await start({ poll: '1s' })
  await until(isReady(url))
  on.publish(on.version('v1', 'v2'))
  await until(() => allServe('v2'))
  configure({ poll: '1h', headers: { 'x-key': 'new' } })
  child.kill('SIGHUP')
  await until(() => on.source.requests.at(-1)!.headers['x-key'] === 'new')
  on.publish(on.version('v1', 'v3'))
  child.kill('SIGHUP')
  await until(() => allServe('v3'))
})

test('all workers say which scopes a new supergraph has', async () => {
  const { url } = await start({ poll: '1s' })
  await until(isReady(url))
  const place = new URL('/.well-known/oauth-protected-resource/graphql', url)
  const scopes = async () => {
    const responses = await Promise.all(Array.from({ length: 12 }, () => fetch(place)))
    const texts = await Promise.all(responses.map((response) => response.text()))
    return new Set(texts.map((text) => String(JSON.parse(text).scopes_supported)))
  }
  expect(await scopes()).toEqual(new Set(['undefined']))
  const link = '@link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@requiresScopes"])'
  const sdl = `extend schema ${link} type Query { v1: String @requiresScopes(scopes: [["read"]]) }`
  on.publish(compose([{ name: 'only', url: 'http://127.0.0.1:1/', sdl }]))
  await until(async () => [...(await scopes())].join() === 'read')
})

test('two workers start without a supergraph, and serve once there is one', async () => {
  on.source.behave = (_request, response) => void response.writeHead(500).end()
  const { url, allServe, output } = await start({ poll: '1s' })
  const response = await fetch(new URL('/ready', url))
  expect(response.status).toBe(503)
  expect(await response.text()).toContain('HTTP status 500')
  on.source.behave = undefined
  await until(isReady(url))
  expect(await allServe('v1')).toBe(true)
  expect(output().match(/"level":50/g)).toHaveLength(1)
})

test('signed: an older one is refused once for all workers, also after a start without the source', async () => {
  const key = join(on.folder, 'signing-key.json')
  const keys = [await createSigningKey(key)]
  const signer = await readSigner(key)
  const [v1, v2] = [on.version('v1'), on.version('v1', 'v2')]
  const older = (await signer.sign(v1)).signature
  const publish = (text: string, signature: string) => {
    on.source.files.set(signaturePath, signature)
    on.source.files.set(supergraphPath, text)
  }
  publish(v2, (await signer.sign(v2, Date.now())).signature)
  const { url, allServe, output, data, child } = await start({ keys, poll: '1s' })
  await until(isReady(url))
  expect(await allServe('v2')).toBe(true)
  publish(v1, older)
  await until(() => output().includes('is older than the one that served last'))
  expect(await allServe('v2')).toBe(true)
  expect(output().match(/is older than/g)).toHaveLength(1)
  child.kill('SIGTERM')
  await once(child, 'exit')

  await on.source.stop()
  const again = await start({ keys, poll: '1s' }, data)
  await until(isReady(again.url))
  expect(await again.allServe('v2')).toBe(true)
})
