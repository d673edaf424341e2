/** Several gateway processes behind one port, as an operator starts them. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals'
import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Pool } from 'undici'
import { claimsHeaderName } from '../../subgraphs/kit/claims-header.ts'
import { compose } from '../support/compose.ts'
import { startIssuer } from '../support/issuer.ts'
import type { TestIssuer } from '../support/issuer.ts'
import { runCompiled } from '../support/run-compiled.ts'
import { until } from '../support/until.ts'

const secret = 'a secret that only the tests of several processes know'
const sdl = /* GraphQL */ `
  type Query {
    claimed: String
  }
`
const folder = mkdtempSync(join(tmpdir(), 'portcullis-workers-'))
const supergraph = join(folder, 'supergraph.graphql')
let subgraph: Server
let issuer: TestIssuer

interface Gateway {
  readonly child: ChildProcess
  readonly origin: string
  readonly pool: Pool
  /** Everything that it has written to its standard error. */
  output(): string
  /** The lines of its log. */
  log(): readonly Record<string, unknown>[]
  write(config: string): void
  ask(token?: string, query?: string): Promise<{ status: number; body: string }>
  get(path: string): Promise<Record<string, never>>
  stop(): Promise<number | null>
}

let configs = 0

function configText(workers: number, forward: string, metrics = '', from = issuer): string {
  return `workers: ${workers}
authentication:
  issuers:
    - issuer: ${from.issuer}
      jwks_uri: ${from.jwksUri}
      audiences: [portcullis]
      key_set: { cooldown: 1h }
claims:
  forward: [${forward}]
${metrics}`
}

async function startGateway(config: string, schema = supergraph): Promise<Gateway> {
  const file = join(folder, `gateway-${configs++}.yaml`)
  const write = (text: string) => writeFileSync(file, text)
  write(config)
  const words = ['--supergraph', schema, '--config', file, '--port', '0']
  const child = spawn(process.execPath, runCompiled('gateway/main', ...words), {
    env: { PATH: process.env.PATH, GATEWAY_SECRET: secret },
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  })
  let output = ''
  child.stderr!.on('data', (chunk) => (output += chunk))
  const url = await new Promise<string>((resolve, reject) => {
    child.once('message', (message) => resolve((message as { listening: string }).listening))
    child.once('exit', (code) => reject(new Error(`the gateway ended with ${code}: ${output}`)))
  })
  const { origin } = new URL(url)
  const pool = new Pool(origin, { connections: 16 })
  return {
    child,
    origin,
    pool,
    write,
    output: () => output,
    log: () =>
      output
        .split('\n')
        .filter((line) => line.startsWith('{') && line.endsWith('}'))
        .map((line) => JSON.parse(line) as Record<string, unknown>),
    async ask(token, query = '{ claimed }') {
      const { statusCode, body } = await pool.request({
        method: 'POST',
        path: '/graphql',
        headers: {
          'content-type': 'application/json',
          ...(token ? { authorization: `Bearer ${token}` } : {}),
        },
        body: JSON.stringify({ query }),
      })
      return { status: statusCode, body: await body.text() }
    },
    get: async (path) => (await fetch(`${origin}${path}`)).json() as Promise<Record<string, never>>,
    async stop() {
      await pool.close()
      if (child.exitCode !== null) return child.exitCode
      child.kill('SIGTERM')
      const [code] = (await once(child, 'exit')) as [number | null]
      return code
    },
  }
}

beforeAll(async () => {
  issuer = await startIssuer()
  subgraph = createServer((request, response) => {
    request.resume().on('end', () => {
      const { claims } = payloadOf(String(request.headers[claimsHeaderName]))
      const claimed = claims === null ? null : Object.keys(claims).sort().join(' ')
      response.setHeader('content-type', 'application/json')
      setTimeout(() => response.end(JSON.stringify({ data: { claimed } })), 5)
    })
  })
  subgraph.listen(0, '127.0.0.1')
  await once(subgraph, 'listening')
  const url = `http://127.0.0.1:${(subgraph.address() as AddressInfo).port}/`
  writeFileSync(supergraph, compose([{ name: 'people', url, sdl }]))
})

afterAll(async () => {
  subgraph.close()
  await issuer.close()
  rmSync(folder, { recursive: true })
})

function payloadOf(jws: string): { claims: object | null } {
  return JSON.parse(Buffer.from(jws.split('.')[1]!, 'base64url').toString()) as never
}

const answered = (claimed: string | null) => `${JSON.stringify({ data: { claimed } })}\n`

describe('two processes', () => {
  let gateway: Gateway
  let workers: number[]

  beforeAll(async () => {
    gateway = await startGateway(configText(2, 'sub', 'metrics: { port: 0 }'))
    const line = await until(() => gateway.log().find(({ processes }) => processes))
    workers = line.processes as number[]
  })
  afterAll(async () => {
    expect(await gateway.stop()).toBe(0)
    expect(workers.some(isRunning)).toBe(false)
  })

  /** One connection each: they are handed to the workers in turn. */
  async function askWith(tokens: readonly string[]) {
    return Promise.all(tokens.map((token) => gateway.ask(token)))
  }

  test('share one port, and their counters add up', async () => {
    expect(workers).toHaveLength(2)
    const token = await issuer.accessToken()
    const answers = await askWith(Array.from({ length: 40 }, () => token))
    expect(new Set(answers.map(({ body }) => body))).toEqual(new Set([answered('sub')]))

    for (let asked = 0; asked < 4; asked++) {
      const { requests, tokens } = await gateway.get('/health')
      expect({ requests, tokens }).toEqual({
        requests: { answered: 40 },
        tokens: { accepted: 40, refused: 0 },
      })
    }
    const { url } = gateway.log().find(({ msg }) => msg === 'serving metrics')!
    const metrics = await (await fetch(String(url))).text()
    expect(metrics).toContain('portcullis_request_duration_seconds_count{status="200"} 40')
    expect(metrics).toContain('portcullis_supergraphs_served_total 1')
    expect(metrics).toMatch(/portcullis_authentication_total\{[^}]*outcome="accepted"[^}]*\} 40/)
    expect(metrics).toContain('portcullis_serving_processes 2')
  })

  test('label 200 operations together, the same in each process', async () => {
    const token = await issuer.accessToken()
    const names = Array.from({ length: 240 }, (_, index) => `Operation${index}`)
    for (let round = 0; round < 4; round++) {
      await Promise.all(names.map((name) => gateway.ask(token, `query ${name} { __typename }`)))
    }
    const { url } = gateway.log().find(({ msg }) => msg === 'serving metrics')!
    const count = /^portcullis_operation_duration_seconds_count\{operation="(\w+)".*\} (\d+)$/gm
    const counted = await until(async () => {
      const metrics = await (await fetch(String(url))).text()
      const counts = [...metrics.matchAll(count)].filter(([, name]) => name !== 'anonymous')
      const sum = counts.reduce((sum, [, , count]) => sum + Number(count), 0)
      return sum === 4 * names.length ? counts : undefined
    })
    const labelled = counted.filter(([, name]) => name !== 'other')
    expect(labelled.map(([, , count]) => count)).toEqual(Array.from({ length: 200 }, () => '4'))
  })

  test('add up what clients use, that of a worker that has ended included', async () => {
    const token = await issuer.accessToken()
    const { url } = gateway.log().find(({ msg }) => msg === 'serving metrics')!
    const usage = async () =>
      (await fetch(new URL('/usage', String(url)))).json() as Promise<{
        requests: number
        coordinates: Record<string, { requests: number }>
      }>
    const before = await usage()
    await Promise.all(Array.from({ length: 40 }, () => gateway.ask(token)))
    const after = await usage()
    expect(after.requests).toBe(before.requests + 40)
    const claimed = (report: typeof after) => report.coordinates['Query.claimed']!.requests
    expect(claimed(after)).toBe(claimed(before) + 40)
  })

  test('fetch the keys once, and once more for a flood of unknown key ids', async () => {
    expect(issuer.asked()).toBe(1)
    const strangers = await Promise.all(
      Array.from({ length: 60 }, (_, index) => issuer.accessToken({}, { kid: `unknown-${index}` })),
    )
    const answers = await askWith(strangers)
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([401]))
    expect(issuer.asked()).toBe(2)
    const refusedBy = gateway
      .log()
      .flatMap(({ reason, pid }) => (reason === 'KEY_UNKNOWN' ? pid : []))
    expect(new Set(refusedBy)).toEqual(new Set(workers))
  })

  test('take up another configuration without losing a request', async () => {
    const token = await issuer.accessToken()
    let asking = true
    const seen: { status: number; body: string }[] = []
    const load = Array.from({ length: 8 }, async () => {
      while (asking) seen.push(await gateway.ask(token))
    })
    await until(() => seen.length > 50)
    gateway.write(configText(2, 'name, sub', 'metrics: { port: 0 }'))
    gateway.child.kill('SIGHUP')
    await until(() => gateway.log().some(({ msg }) => msg === 'serving with the new configuration'))
    const atReload = seen.length
    await until(() => seen.length > atReload + 50)
    asking = false
    await Promise.all(load)

    expect(new Set(seen.map(({ status }) => status))).toEqual(new Set([200]))
    expect(new Set(seen.map(({ body }) => body))).toEqual(
      new Set([answered('sub'), answered('name sub')]),
    )
    expect(new Set(seen.slice(atReload + 10).map(({ body }) => body))).toEqual(
      new Set([answered('name sub')]),
    )
  })

  test('keep a good configuration when a broken one takes its place', async () => {
    gateway.write(configText(2, 'sub').replace('audiences', 'audience'))
    gateway.child.kill('SIGHUP')
    const line = await until(() =>
      gateway.log().find(({ msg }) => msg === 'still serving with the last good configuration'),
    )
    expect(line.reason).toContain('authentication.issuers[0].audience: is not a known key')
    expect((await gateway.ask(await issuer.accessToken())).body).toBe(answered('name sub'))
    gateway.write(configText(2, 'name, sub'))
  })

  test('replace one that dies, by the configuration that serves', async () => {
    process.kill(workers[0]!, 'SIGKILL')
    const { pid } = await until(() =>
      gateway.log().find(({ msg }) => msg === 'a worker has taken its place'),
    )
    expect(gateway.log()).toContainEqual(
      expect.objectContaining({ pid: gateway.child.pid, worker: workers[0], signal: 'SIGKILL' }),
    )
    expect(pid).toBe(gateway.child.pid)
    process.kill(workers[1]!, 'SIGKILL')
    await until(
      () => gateway.log().filter(({ msg }) => msg === 'a worker has taken its place').length === 2,
    )
    const token = await issuer.accessToken()
    const { status, body } = await gateway.ask(token)
    expect({ status, body }).toEqual({ status: 200, body: answered('name sub') })

    const { url } = gateway.log().find(({ msg }) => msg === 'serving metrics')!
    const usage = await (await fetch(new URL('/usage', String(url)))).json()
    expect((usage as { requests: number }).requests).toBeGreaterThan(1_000)
  })
})

describe('two processes whose issuer has gone away', () => {
  let gateway: Gateway
  let own: TestIssuer
  let workers: number[]

  beforeAll(async () => {
    own = await startIssuer()
    const config = configText(2, 'sub', 'metrics: { port: 0 }', own).replace(
      'cooldown: 1h',
      'max_age: 10s',
    )
    gateway = await startGateway(config)
    const line = await until(() => gateway.log().find(({ processes }) => processes))
    workers = line.processes as number[]
    await until(async () => (await readiness()).status === 200)
    await own.close()
  })
  afterAll(() => gateway.stop())

  async function readiness() {
    const response = await fetch(`${gateway.origin}/ready`, { signal: AbortSignal.timeout(5_000) })
    return { status: response.status, body: (await response.json()) as { reasons?: string[] } }
  }

  test('verify by what the primary has, one that starts now as well', async () => {
    // Until the keys are so old that they would be fetched again.
    await until(() => gateway.log().some(({ msg }) => String(msg).includes('could not be fetched')))
    process.kill(workers[0]!, 'SIGKILL')
    const { worker } = await until(() =>
      gateway.log().find(({ msg }) => msg === 'a worker has taken its place'),
    )
    workers[0] = worker as number
    const token = await own.accessToken()
    const answers = await Promise.all(Array.from({ length: 20 }, () => gateway.ask(token)))
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]))
    expect((await readiness()).status).toBe(200)
  })

  test('are ready only when all of them are: one that does not respond is named', async () => {
    process.kill(workers[0]!, 'SIGSTOP')
    try {
      const { url } = gateway.log().find(({ msg }) => msg === 'serving metrics')!
      const response = await fetch(String(url), { signal: AbortSignal.timeout(5_000) })
      expect(response.status).toBe(200)
      await response.text()
      const reasons = [`process ${workers[0]} does not respond`]
      await until(async () => {
        const { status, body } = await readiness().catch(() => ({ status: 0, body: {} }))
        return (
          status === 503 &&
          JSON.stringify(body) === JSON.stringify({ status: 'not ready', reasons })
        )
      })
    } finally {
      process.kill(workers[0]!, 'SIGCONT')
    }
    await until(async () => (await readiness()).status === 200)
  })
})

describe('two processes, while they take up another configuration', () => {
  const servingNew = 'serving with the new configuration'
  let gateway: Gateway
  let workers: number[]

  async function start(config: string) {
    gateway = await startGateway(config)
    const line = await until(() => gateway.log().find(({ processes }) => processes))
    workers = line.processes as number[]
  }
  const reload = (config: string) => {
    gateway.write(config)
    gateway.child.kill('SIGHUP')
  }
  const has = (msg: string) => gateway.log().some((line) => line.msg === msg)
  async function claimedByAll() {
    const token = await issuer.accessToken()
    const answers = await Promise.all(Array.from({ length: 20 }, () => gateway.ask(token)))
    return new Set(answers.map(({ body }) => body))
  }
  afterEach(() => gateway.stop())

  test('one that dies meanwhile does not hold back the others', async () => {
    await start(configText(2, 'sub'))
    process.kill(workers[0]!, 'SIGSTOP')
    reload(configText(2, 'name, sub'))
    await new Promise((resolve) => setTimeout(resolve, 500))
    process.kill(workers[0]!, 'SIGKILL')
    await until(() => has(servingNew) && has('a worker has taken its place'))
    expect(await claimedByAll()).toEqual(new Set([answered('name sub')]))
    expect(has('still serving with the last good configuration')).toBe(false)
  })

  test('one that is starting meanwhile serves by it in the end', async () => {
    const [open, waiting] = [join(folder, 'open'), join(folder, 'waiting')]
    const policies = join(folder, 'slow-policies.mjs')
    writeFileSync(open, '')
    writeFileSync(
      policies,
      `import { existsSync, writeFileSync } from 'node:fs'
      while (!existsSync(${JSON.stringify(open)})) {
        writeFileSync(${JSON.stringify(waiting)}, '')
        await new Promise((resolve) => setTimeout(resolve, 20))
      }
      export default {}`,
    )
    await start(`${configText(2, 'sub')}authorization: { policies: { file: '${policies}' } }`)
    rmSync(open)
    process.kill(workers[0]!, 'SIGKILL')
    // It has the settings by then.
    await until(() => existsSync(waiting))
    reload(configText(2, 'name, sub'))
    await until(() => has(servingNew))
    writeFileSync(open, '')
    await until(() => has('a worker has taken its place'))
    expect(await claimedByAll()).toEqual(new Set([answered('name sub')]))
  })

  test('a refusal by one is reported when the others have ended, too', async () => {
    await start(configText(2, 'sub'))
    process.kill(workers[0]!, 'SIGSTOP')
    const away = { issuer: issuer.issuer, jwksUri: 'http://127.0.0.1:1/keys' } as TestIssuer
    reload(configText(2, 'name, sub', '', away))
    const isFailure = ({ msg }: Record<string, unknown>) => String(msg).includes('not be fetched')
    await until(() => gateway.log().some(isFailure))
    process.kill(workers[0]!, 'SIGCONT')
    const refusal = 'still serving with the last good configuration'
    await until(() => has(refusal))
    const before = gateway.log().findIndex(({ msg }) => msg === refusal)
    const failures = gateway.log().slice(0, before).filter(isFailure)
    expect(new Set(failures.map(({ pid }) => pid))).toEqual(new Set(workers))
    reload(configText(2, 'name, sub'))
    await until(() => has(servingNew))
    expect(await claimedByAll()).toEqual(new Set([answered('name sub')]))
  })
})

test('workers that end again and again at their start: the gateway gives up, exit code 1', async () => {
  const broken = join(folder, 'broken')
  const policies = join(folder, 'ending-policies.mjs')
  writeFileSync(
    policies,
    `import { existsSync } from 'node:fs'
    if (existsSync(${JSON.stringify(broken)})) process.exit(3)
    export default {}`,
  )
  const gateway = await startGateway(
    `${configText(2, 'sub')}authorization: { policies: { file: '${policies}' } }`,
  )
  const { processes } = await until(() => gateway.log().find(({ processes }) => processes))
  writeFileSync(broken, '')
  const ended = once(gateway.child, 'exit')
  for (const worker of processes as number[]) process.kill(worker, 'SIGKILL')
  expect(await ended).toEqual([1, null])
  await gateway.pool.close()
  expect(gateway.output()).toContain(
    'gateway: no worker is left: 5 in a row ended soon after their start\n',
  )
  const ends = gateway.log().filter(({ msg }) => String(msg).startsWith('a worker has ended'))
  expect(ends.map(({ code, signal, reason }) => ({ code, signal, reason }))).toEqual([
    { code: null, signal: 'SIGKILL', reason: undefined },
    { code: null, signal: 'SIGKILL', reason: undefined },
    ...Array.from({ length: 3 }, () => ({
      code: 3,
      signal: null,
      reason: 'a worker ended before it was listening (3)',
    })),
  ])
})

test('one process takes up another configuration as well', async () => {
  const gateway = await startGateway(configText(1, 'sub'))
  const token = await issuer.accessToken()
  expect((await gateway.ask(token)).body).toBe(answered('sub'))
  gateway.write(configText(1, 'name, sub'))
  gateway.child.kill('SIGHUP')
  await until(() => gateway.log().some(({ msg }) => msg === 'serving with the new configuration'))
  expect((await gateway.ask(token)).body).toBe(answered('name sub'))
  expect(await gateway.stop()).toBe(0)
})

test.each([1, 2])(
  '%i that cannot start: the reason is the only line, and exit code 1',
  async (workers) => {
    writeFileSync(join(folder, 'broken.graphql'), 'type Query {')
    const starting = startGateway(configText(workers, 'sub'), join(folder, 'broken.graphql'))
    await expect(starting).rejects.toThrow(
      /^the gateway ended with 1: gateway: the supergraph .* is not GraphQL[^\n]*\n$/,
    )
  },
)

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}
