/** The gateway as a process of its own, as an operator starts and stops it. */
import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { runCompiled } from './run-compiled.ts'
import { whenReady } from './when-ready.ts'

export interface StartingGateway {
  readonly child: ChildProcess
  /** Writes another gateway.yaml, which counts after SIGHUP. */
  configure(config: string): void
  /** Resolves when it has ended, with its exit code or the signal that ended it. */
  readonly ended: Promise<number | string>
  /** The lines of its log. */
  log(): readonly Record<string, unknown>[]
  /** Everything that it has written to its standard error. */
  output(): string
}

export interface GatewayProcess extends StartingGateway {
  readonly origin: string
}

export interface GatewayProcessOptions {
  readonly folder: string
  /** The text of gateway.yaml. */
  readonly config: string
  /** The file of the composed supergraph. */
  readonly supergraph: string
  readonly environment?: Readonly<Record<string, string>>
}

let count = 0

/** Returns once it is ready, at a port that the system has chosen. */
export async function startGatewayProcess(options: GatewayProcessOptions): Promise<GatewayProcess> {
  const gateway = spawnGateway(options)
  const { child, ended, output } = gateway
  const url = await Promise.race([
    once(child, 'message').then(([message]) => (message as { listening: string }).listening),
    ended.then((how) => Promise.reject(new Error(`the gateway ended with ${how}: ${output()}`))),
  ])
  const { origin } = new URL(url)
  await whenReady(origin).catch((cause: unknown) => {
    child.kill()
    throw cause
  })
  return { ...gateway, origin }
}

/** Returns a process that does not accept connections yet. */
export function spawnGateway(options: GatewayProcessOptions): StartingGateway {
  const file = join(options.folder, `gateway-process-${count++}.yaml`)
  writeFileSync(file, options.config)
  const words = ['--supergraph', options.supergraph, '--config', file, '--port', '0']
  const child = spawn(process.execPath, runCompiled('gateway/main', ...words), {
    env: {
      PATH: process.env.PATH,
      GATEWAY_SECRET: 'a secret that only the tests of gateway processes know',
      ...options.environment,
    },
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  })
  let written = ''
  child.stderr!.on('data', (chunk) => (written += chunk))
  return {
    child,
    configure: (config) => writeFileSync(file, config),
    ended: once(child, 'exit').then(([code, signal]) => (code ?? signal) as number | string),
    output: () => written,
    log: () =>
      written
        .split('\n')
        .filter((line) => line.startsWith('{') && line.endsWith('}'))
        .map((line) => JSON.parse(line) as Record<string, unknown>),
  }
}
