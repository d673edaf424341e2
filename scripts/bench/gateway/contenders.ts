/** The contenders, each in a process of its own. */
import { fork } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { existsSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { BenchOperation } from './operations.ts'
import type { BenchSetting } from './setting.ts'

/** Two contenders may have one name: a gateway may need other options for authorization. */
export interface Contender {
  readonly name: string
  /** Says whether the benchmark sends the operation to it. */
  executes(operation: BenchOperation): boolean
  /** Returns undefined if the program is not installed. */
  start(setting: BenchSetting): Promise<RunningContender | undefined>
}

export interface RunningContender {
  readonly name: string
  readonly url: string
  executes(operation: BenchOperation): boolean
  /** Returns the microseconds of CPU time so far, and the resident bytes. */
  usage(): Promise<{ cpu: number; memory: number }>
  stop(): void
}

export interface RunningStubs {
  readonly origins: Readonly<Record<string, string>>
  /** Returns how many requests the subgraphs have received so far. */
  calls(): Promise<number>
  stop(): void
}

/** The contender that every other is compared with. */
export const floorName = 'floor: node:http + undici by hand'

const compiledPath = (file: string) => fileURLToPath(new URL(file, import.meta.url))
const reporting = ['--import', new URL('report-usage.js', import.meta.url).href]
/** Options of Node for every contender: those with which this gateway runs, or BENCH_FLAGS. */
const nodeOptions = (process.env['BENCH_FLAGS'] ?? '--max-semi-space-size=64')
  .split(' ')
  .filter((flag) => flag !== '')

const everything = () => true
const withoutAuthorization = ({ needsAuthorization = false }: BenchOperation) => !needsAuthorization
const withAuthorization = ({ needsAuthorization = false }: BenchOperation) => needsAuthorization

/** Returns all contenders. @param peers where other gateways are installed */
export function contenders(peers: string): Contender[] {
  return [
    benchProgram(floorName, 'floor', everything),
    portcullis('Portcullis (engine: native)', { engine: 'native', share: false }),
    portcullis('Portcullis (engine: native, queries shared across requests)', {
      engine: 'native',
      share: true,
    }),
    portcullis('Portcullis (engine: apollo)', { engine: 'apollo', share: false }),
    benchProgram(
      'Express + Apollo Server + @apollo/gateway + jose',
      'apollo',
      withoutAuthorization,
    ),
    ...hive('Hive Gateway (JavaScript planner)', peers, false),
    ...hive('Hive Gateway (Rust planner)', peers, true),
  ]
}

/** Returns the running subgraphs, all in one process. */
export async function startStubs(): Promise<RunningStubs> {
  const child = fork(compiledPath('stub-subgraphs.js'))
  const { listening } = await messageOf<{ listening: Record<string, string> }>(child)
  return {
    origins: listening,
    async calls() {
      child.send('calls')
      return (await messageOf<{ calls: number }>(child)).calls
    },
    stop: () => child.disconnect(),
  }
}

/** Returns a contender that is a program of this folder. */
function benchProgram(name: string, file: string, executes: Contender['executes']): Contender {
  return {
    name,
    executes,
    async start(setting) {
      const child = fork(compiledPath(`${file}.js`), [], {
        execArgv: [...reporting, ...nodeOptions],
        env: { ...process.env, NODE_ENV: 'production', BENCH: JSON.stringify(setting) },
      })
      const { listening } = await messageOf<{ listening: string }>(child)
      return running({ name, executes }, listening, child)
    },
  }
}

/** Returns this gateway as a contender: its command, as an operator starts it. */
function portcullis(name: string, options: { engine: string; share: boolean }): Contender {
  return {
    name,
    executes: everything,
    async start(setting) {
      const config = join(
        setting.folder,
        `${options.engine}-${options.share ? 'shared' : 'alone'}.yaml`,
      )
      writeFileSync(config, portcullisConfig(setting, options))
      const words = ['--supergraph', setting.guardedSupergraph, '--config', config, '--port', '0']
      const child = fork(compiledPath('../../../gateway/main.js'), words, {
        execArgv: [...reporting, ...nodeOptions],
        env: {
          ...process.env,
          NODE_ENV: 'production',
          LOG_LEVEL: 'error',
          GATEWAY_SECRET: 'a secret that only this benchmark knows',
        },
        stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
      })
      const { listening } = await messageOf<{ listening: string }>(child)
      return running({ name, executes: everything }, listening, child)
    },
  }
}

function portcullisConfig(
  { issuer, jwksUri, audience }: BenchSetting,
  { engine, share }: { engine: string; share: boolean },
): string {
  return `engine: ${engine}
subgraphs: { all: { deduplicate_requests: ${share} } }
authentication:
  issuers:
    - issuer: ${issuer}
      jwks_uri: ${jwksUri}
      allow_http: true
      audiences: [${audience}]
      algorithms: [ES256]
      token_types: [at+jwt]
`
}

/**
 * Returns Hive Gateway as two contenders: with authorization for the operations that need it, and
 * without for all others, which it then executes faster.
 */
function hive(name: string, peers: string, withRustPlanner: boolean): Contender[] {
  return [false, true].map((authorizes) => {
    const executes = authorizes ? withAuthorization : withoutAuthorization
    return {
      name,
      executes,
      async start(setting) {
        const program = join(peers, 'node_modules/@graphql-hive/gateway/dist/bin.js')
        if (!existsSync(program)) return undefined
        const port = await freePort()
        const variant = `${withRustPlanner ? 'rust' : 'javascript'}${authorizes ? '-authorizing' : ''}`
        const config = join(peers, `gateway-${variant}.config.ts`)
        writeFileSync(config, hiveConfig(setting, { withRustPlanner, authorizes }))
        const supergraph = authorizes ? setting.guardedSupergraph : setting.supergraph
        const options = ['--port', String(port), '--host', '127.0.0.1', '--fork', '1']
        const child = fork(program, ['supergraph', supergraph, '-c', config, ...options], {
          cwd: peers,
          execArgv: [...reporting, ...nodeOptions],
          env: { ...process.env, NODE_ENV: 'production', LOG_LEVEL: 'error' },
          stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
        })
        const url = `http://127.0.0.1:${port}/graphql`
        await untilResponding(url)
        return running({ name, executes }, url, child)
      },
    }
  })
}

function hiveConfig(
  { issuer, jwksUri, audience }: BenchSetting,
  { withRustPlanner, authorizes }: { withRustPlanner: boolean; authorizes: boolean },
): string {
  const authorization = `genericAuth: {
    mode: 'protect-granular',
    resolveUserFn: (context) => context.jwt?.payload,
    rejectUnauthenticated: false,
  },`
  return `import { createRemoteJwksSigningKeyProvider, defineConfig, extractFromHeader } from '@graphql-hive/gateway'
${withRustPlanner ? "import { unifiedGraphHandler } from '@graphql-hive/router-runtime'" : ''}
export const gatewayConfig = defineConfig({
  ${withRustPlanner ? 'unifiedGraphHandler,' : ''}
  ${authorizes ? authorization : ''}
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

function running(
  contender: Pick<Contender, 'name' | 'executes'>,
  url: string,
  child: ChildProcess,
): RunningContender {
  return {
    ...contender,
    url,
    async usage() {
      child.send('usage')
      return messageOf<{ cpu: number; memory: number }>(child)
    },
    stop: () => void (child.connected ? child.disconnect() : child.kill()),
  }
}

function messageOf<T>(child: ChildProcess): Promise<T> {
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

async function untilResponding(url: string): Promise<void> {
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
  throw new Error(`${url} does not respond`)
}
