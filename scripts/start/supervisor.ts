/** Child processes that live and end together. */
import { fork } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { StartFailure } from '../../subgraphs/kit/process/start-failure.ts'
import type { OwnModule } from '../own-module.ts'

export interface ProcessOptions {
  readonly module: OwnModule
  /** The words of its command line. */
  readonly words?: readonly string[]
  readonly environment: Readonly<Record<string, string | undefined>>
}

/** Why a process that should be running is not. */
export class ProcessEnded extends StartFailure {
  override name = 'ProcessEnded'
  /** Whether the process has printed the reason itself, as one that cannot start does. */
  readonly explained: boolean

  constructor(message: string, explained: boolean) {
    super(message)
    this.explained = explained
  }
}

export interface Supervisor {
  /** Returns its URL once it listens. A process that ends before is a ProcessEnded. */
  start(name: string, options: ProcessOptions): Promise<string>
  /** Rejects with a ProcessEnded when a process that was listening ends by itself. */
  readonly anyEnded: Promise<never>
  /** Stops all processes, the youngest first, and returns when none is left. */
  stop(): Promise<void>
}

/** How long a process may take to answer its last requests, in milliseconds. */
const stopTime = 8_000

export function supervisor(): Supervisor {
  const running: Running[] = []
  let stopping = false
  let reportEnd: (reason: ProcessEnded) => void
  const anyEnded = new Promise<never>((_resolve, reject) => {
    reportEnd = reject
  })
  anyEnded.catch(() => {})

  return {
    anyEnded,

    start(name, options) {
      if (stopping) return Promise.reject(new ProcessEnded(`${name} is not wanted any more`, true))
      const child = launch(options)
      const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()))
      running.push({ child, ended })
      return new Promise((resolve, reject) => {
        let url: string | undefined
        child.on('message', (message: { listening?: string }) => {
          if (message.listening === undefined) return
          url = message.listening
          resolve(url)
        })
        child.once('error', (cause) => {
          reject(new ProcessEnded(`${name} cannot be started: ${cause.message}`, false))
        })
        child.once('exit', (code, signal) => {
          if (stopping) return
          const how = signal ?? `exit code ${code}`
          if (url === undefined) {
            reject(new ProcessEnded(`${name} ended before it was listening (${how})`, code === 1))
          } else {
            reportEnd(new ProcessEnded(`${name} ended unexpectedly (${how})`, false))
          }
        })
      })
    },

    async stop() {
      stopping = true
      for (const process of running.toReversed()) await end(process)
    },
  }
}

interface Running {
  child: ChildProcess
  ended: Promise<void>
}

/**
 * The channel tells when the child listens, and tells the child when its parent is gone, however that
 * came about. In a process group of its own it does not hear the Ctrl-C of the terminal: the
 * supervisor stops the processes in an order in which requests under way can be answered.
 */
function launch({ module, words = [], environment }: ProcessOptions): ChildProcess {
  return fork(module.path, [...words], {
    execArgv: [...module.execArgv],
    env: { ...environment } as NodeJS.ProcessEnv,
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    detached: process.platform !== 'win32',
  })
}

async function end({ child, ended }: Running): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return
  child.kill('SIGTERM')
  const forcedKill = setTimeout(() => child.kill('SIGKILL'), stopTime)
  await ended
  clearTimeout(forcedKill)
}
