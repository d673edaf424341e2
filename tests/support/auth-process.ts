/** The auth subgraph as its own process, to be killed at any time. */
import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { runCompiled } from './run-compiled.ts'

export interface AuthProcess {
  readonly url: string
  readonly child: ChildProcess
  /** Ends it as a power cut would. */
  kill(): Promise<void>
}

/** Starts the process; resolves when it listens. What it printed is in the error when it ends first. */
export function startAuthProcess(environment: Record<string, string>): Promise<AuthProcess> {
  return startSubgraphProcess('auth', environment)
}

/** The same for either subgraph. */
export async function startSubgraphProcess(
  subgraph: 'auth' | 'users',
  environment: Record<string, string>,
): Promise<AuthProcess> {
  const child = launch(subgraph, environment)
  let output = ''
  child.stderr?.on('data', (chunk) => (output += chunk))
  const url = await new Promise<string>((resolve, reject) => {
    child.once('message', (message) => resolve((message as { listening: string }).listening))
    child.once('exit', (code) => reject(new Error(`${subgraph} ended with ${code}: ${output}`)))
  })
  return { url, child, kill: () => kill(child) }
}

export function launchAuthProcess(environment: Record<string, string>): ChildProcess {
  return launch('auth', environment)
}

function launch(subgraph: 'auth' | 'users', environment: Record<string, string>): ChildProcess {
  return spawn(process.execPath, runCompiled(`subgraphs/${subgraph}/main`), {
    env: { PATH: process.env.PATH, ...environment },
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  })
}

export async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  child.kill('SIGKILL')
  await once(child, 'exit')
}
