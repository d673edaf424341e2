/** The contenders, each in a process of its own. */
import { fork } from 'node:child_process'
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { memoryEnvironment } from '../../../gateway/process/memory-settings.ts'
import { everything, withoutAuthorization } from './contender.ts'
import type { Contender } from './contender.ts'
import { messageOf, nodeOptions, runningNode } from './contender-process.ts'
import { grafbase } from './grafbase.ts'
import { hive } from './hive.ts'
import type { BenchOperation } from './operations.ts'
import type { BenchSetting } from './setting.ts'

export interface RunningStubs {
  readonly origins: Readonly<Record<string, string>>
  /** Returns how many requests the subgraphs have received so far. */
  calls(): Promise<number>
  stop(): void
}

/** The contender that every other is compared with. */
export const floorName = 'floor: node:http + undici by hand'

const compiledPath = (file: string) => fileURLToPath(new URL(file, import.meta.url))

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
    mercurius('Mercurius (federation 1) + jose', peers),
    ...hive('Hive Gateway (JavaScript planner)', peers, false),
    ...hive('Hive Gateway (Rust planner)', peers, true),
    grafbase('Grafbase (Rust; authenticates nobody)', peers),
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
        execArgv: nodeOptions,
        env: {
          ...process.env,
          ...memoryEnvironment,
          NODE_ENV: 'production',
          BENCH: JSON.stringify(setting),
        },
      })
      const { listening } = await messageOf<{ listening: string }>(child)
      return runningNode({ name, executes }, listening, child)
    },
  }
}

/**
 * Returns Mercurius, if it is installed. It is left out of `big join`: several such requests at the same
 * time take longer than the 30 s after which it gives up.
 */
function mercurius(name: string, peers: string): Contender {
  const executes = (operation: BenchOperation) =>
    withoutAuthorization(operation) && operation.name !== 'big join'
  const { start } = benchProgram(name, 'mercurius', executes)
  const isInstalled = existsSync(join(peers, 'node_modules/@mercuriusjs/gateway'))
  return { name, executes, start: async (setting) => (isInstalled ? start(setting) : undefined) }
}

export interface PortcullisOptions {
  readonly engine: string
  readonly share: boolean
  /** `warm_up.time`; default: that of production. */
  readonly warmUp?: string
  /** Further settings of all subgraphs. */
  readonly subgraphs?: string
  /** Further lines of gateway.yaml. */
  readonly settings?: string
}

/** How many configurations have been written. */
let configurations = 0

/** Returns this gateway as a contender: its command, as an operator starts it. */
export function portcullis(name: string, options: PortcullisOptions): Contender {
  return {
    name,
    executes: everything,
    async start(setting) {
      const config = join(
        setting.folder,
        `${options.engine}-${options.share ? 'shared' : 'alone'}-${configurations++}.yaml`,
      )
      writeFileSync(config, portcullisConfig(setting, options))
      const words = ['--supergraph', setting.guardedSupergraph, '--config', config, '--port', '0']
      const child = fork(compiledPath('../../../gateway/main.js'), words, {
        execArgv: nodeOptions,
        env: {
          ...process.env,
          ...memoryEnvironment,
          NODE_ENV: 'production',
          LOG_LEVEL: 'error',
          GATEWAY_SECRET: 'a secret that only this benchmark knows',
        },
        stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
      })
      const { listening } = await messageOf<{ listening: string }>(child)
      return runningNode({ name, executes: everything }, listening, child)
    },
  }
}

function portcullisConfig(
  { issuer, jwksUri, audience }: BenchSetting,
  { engine, share, warmUp, subgraphs = '', settings = '' }: PortcullisOptions,
): string {
  return `engine: ${engine}
${warmUp === undefined ? '' : `warm_up: { time: ${warmUp} }`}
subgraphs: { all: { deduplicate_requests: ${share}, ${subgraphs} } }
authentication:
  issuers:
    - issuer: ${issuer}
      jwks_uri: ${jwksUri}
      allow_http: true
      audiences: [${audience}]
      algorithms: [ES256]
      token_types: [at+jwt]
${settings}
`
}
