/** Child processes that run and end together. */
import { fork } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import type { Writable } from 'node:stream'
import { StartFailure } from '../../subgraphs/kit/process/start-failure.ts'
import type { OwnModule } from '../own-module.ts'
import { printLines } from './print-lines.ts'
import { isAccessLine, readableLine } from './readable-line.ts'

export interface ProcessOptions {
  readonly module: OwnModule
  /** The arguments of its command line. */
  readonly words?: readonly string[]
  readonly environment: Readonly<Record<string, string | undefined>>
}

/** Why a process is not running. */
export class ProcessEnded extends StartFailure {
  override name = 'ProcessEnded'
  /** Whether the process has printed the reason itself, as after a failed start. */
  readonly explained: boolean

  constructor(message: string, explained: boolean) {
    super(message)
    this.explained = explained
  }
}

export interface Supervisor {
  /** Returns its URL once it listens; rejects with a ProcessEnded if it ends before. */
  start(name: string, options: ProcessOptions): Promise<string>
  /** Rejects with a ProcessEnded when a process that was listening ends by itself. */
  readonly anyEnded: Promise<never>
  /**
   * Stops all processes, the last started first, and returns when all have ended. Each of them limits
   * the time for its last requests itself (http.drain.finish, DRAIN_FINISH).
   */
  stop(): Promise<void>
  /** Ends all processes at once, without waiting for their requests. */
  kill(): void
}

/**
 * Returns a supervisor without processes.
 *
 * @param accessLog whether the access log of the gateway is printed; default: it is
 * @param output where the standard output of the processes goes; default: to that of this one
 */
export function supervisor({
  accessLog = true,
  output = process.stdout as Writable,
} = {}): Supervisor {
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
      if (stopping) return Promise.reject(new ProcessEnded(`${name} is no longer needed`, true))
      const child = launch(options)
      print(name, child)
      // When what it printed has been read, too.
      const ended = new Promise<void>((resolve) => child.once('close', () => resolve()))
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
        child.once('close', (code, signal) => {
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

    kill() {
      for (const { child } of running) child.kill('SIGKILL')
    },
  }

  function print(name: string, { stdout, stderr }: ChildProcess): void {
    const readable = (line: string) => readableLine(name, line)
    printLines(stderr!, process.stderr, readable)
    printLines(stdout!, output, (line) => {
      const isLeftOut = (stopping || !accessLog) && isAccessLine(line)
      return isLeftOut ? undefined : readable(line)
    })
  }
}

interface Running {
  child: ChildProcess
  ended: Promise<void>
}

/**
 * The IPC channel reports when the child listens, and lets the child detect that its parent is gone. In
 * its own process group it does not receive the Ctrl-C of the terminal: the supervisor stops the
 * processes in an order in which requests in progress can be completed.
 */
function launch({ module, words = [], environment }: ProcessOptions): ChildProcess {
  return fork(module.path, [...words], {
    execArgv: [...module.execArgv],
    env: { ...environment } as NodeJS.ProcessEnv,
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    detached: process.platform !== 'win32',
  })
}

async function end({ child, ended }: Running): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return
  child.kill('SIGTERM')
  await ended
}
