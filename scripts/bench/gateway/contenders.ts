/** The contenders, each in a process of its own. */
import { fork } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { existsSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { BenchSetting } from './setting.ts'

export interface Contender {
  readonly name: string
  start(setting: BenchSetting): Promise<RunningContender | undefined>
}

export interface RunningContender {
  readonly name: string
  readonly url: string
  /** Microseconds of CPU time so far, and resident bytes. */
  usage(): Promise<{ cpu: number; memory: number }>
  stop(): void
}

export interface RunningStubs {
  readonly origins: Readonly<Record<string, string>>
  calls(): Promise<number>
  stop(): void
}

const here = (file: string) => fileURLToPath(new URL(file, import.meta.url))
const reporting = ['--import', new URL('report-usage.js', import.meta.url).href]
/** Options of Node for every contender: those with which this gateway runs, or BENCH_FLAGS. */
const extra = (process.env['BENCH_FLAGS'] ?? '--max-semi-space-size=64')
  .split(' ')
  .filter((flag) => flag !== '')

/** @param peers where other gateways are installed */
export function contenders(peers: string): Contender[] {
  return [
    own('floor: node:http + undici by hand', 'floor'),
    own('Portcullis (engine: native)', 'ours', 'native'),
    own('Portcullis (engine: native, queries shared across requests)', 'ours', 'native', 'share'),
    own('Portcullis (engine: apollo)', 'ours', 'apollo'),
    own('Express + Apollo Server + @apollo/gateway + jose', 'apollo'),
    hive('Hive Gateway (JavaScript planner)', peers, false),
    hive('Hive Gateway (Rust planner)', peers, true),
  ]
}

export function startContender(contender: Contender, setting: BenchSetting) {
  return contender.start(setting)
}

export async function startStubs(): Promise<RunningStubs> {
  const child = fork(here('stub-subgraphs.js'))
  const { listening } = await answerOf<{ listening: Record<string, string> }>(child)
  return {
    origins: listening,
    async calls() {
      child.send('calls')
      return (await answerOf<{ calls: number }>(child)).calls
    },
    stop: () => child.disconnect(),
  }
}

function own(name: string, file: string, ...args: string[]): Contender {
  return {
    name,
    async start(setting) {
      const child = fork(here(`${file}.js`), args, {
        execArgv: [...reporting, ...extra],
        env: { ...process.env, NODE_ENV: 'production', BENCH: JSON.stringify(setting) },
      })
      const { listening } = await answerOf<{ listening: string }>(child)
      return running(name, listening, child)
    },
  }
}

function hive(name: string, peers: string, withRustPlanner: boolean): Contender {
  return {
    name,
    async start({ supergraph, issuer, jwksUri, audience }) {
      const program = join(peers, 'node_modules/@graphql-hive/gateway/dist/bin.js')
      if (!existsSync(program)) return undefined
      const port = await freePort()
      const config = join(peers, `gateway-${withRustPlanner ? 'rust' : 'javascript'}.config.ts`)
      writeFileSync(config, hiveConfig({ issuer, jwksUri, audience, withRustPlanner }))
      const options = ['--port', String(port), '--host', '127.0.0.1', '--fork', '1']
      const child = fork(program, ['supergraph', supergraph, '-c', config, ...options], {
        cwd: peers,
        execArgv: [...reporting, ...extra],
        env: { ...process.env, NODE_ENV: 'production', LOG_LEVEL: 'error' },
        stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
      })
      const url = `http://127.0.0.1:${port}/graphql`
      await answers(url)
      return running(name, url, child)
    },
  }
}

function hiveConfig(options: {
  issuer: string
  jwksUri: string
  audience: string
  withRustPlanner: boolean
}): string {
  const { issuer, jwksUri, audience, withRustPlanner } = options
  return `import { createRemoteJwksSigningKeyProvider, defineConfig, extractFromHeader } from '@graphql-hive/gateway'
${withRustPlanner ? "import { unifiedGraphHandler } from '@graphql-hive/router-runtime'" : ''}
export const gatewayConfig = defineConfig({
  ${withRustPlanner ? 'unifiedGraphHandler,' : ''}
  logging: 'error',
  graphqlEndpoint: '/graphql',
  jwt: {
    signingKeyProviders: [createRemoteJwksSigningKeyProvider({ jwksUri: '${jwksUri}' })],
    tokenLookupLocations: [extractFromHeader({ name: 'authorization', prefix: 'Bearer' })],
    tokenVerification: { issuer: '${issuer}', audience: '${audience}', algorithms: ['ES256'] },
    reject: { missingToken: true, invalidToken: true },
    forward: false,
  },
  propagateHeaders: {
    fromClientToSubgraphs: ({ context }) => ({ 'x-user-id': context.jwt?.payload?.sub ?? '' }),
  },
})
`
}

function running(name: string, url: string, child: ChildProcess): RunningContender {
  return {
    name,
    url,
    async usage() {
      child.send('usage')
      return answerOf<{ cpu: number; memory: number }>(child)
    },
    stop: () => void (child.connected ? child.disconnect() : child.kill()),
  }
}

function answerOf<T>(child: ChildProcess): Promise<T> {
  return new Promise((resolve, reject) => {
    const ended = (code: number | null) => reject(new Error(`a process ended with ${code}`))
    child.once('exit', ended)
    child.once('message', (message) => {
      child.off('exit', ended)
      resolve(message as T)
    })
  })
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise<void>((resolve) => void server.close(() => resolve()))
  return port
}

async function answers(url: string): Promise<void> {
  const deadline = Date.now() + 60_000
  while (Date.now() < deadline) {
    const status = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{"query":"{__typename}"}',
    }).then(
      (response) => response.status,
      () => 0,
    )
    if (status > 0 && status < 500) return
    await new Promise((resolve) => setTimeout(resolve, 200))
  }
  throw new Error(`${url} does not answer`)
}
