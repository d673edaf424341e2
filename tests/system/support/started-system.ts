/** The real system, as `npm start` runs it: four processes on ports of their own. */
import { execFileSync } from 'node:child_process'
import { expect } from '@jest/globals'
import type { SystemUrls } from '../../../scripts/start/start-system.ts'
import { startScript } from '../../scripts/support/run-script.ts'
import type { ScriptRun } from '../../scripts/support/run-script.ts'
import { until } from '../../support/until.ts'

export const freePorts = { GATEWAY_PORT: '0', AUTH_PORT: '0', USERS_PORT: '0' }

export interface StartedSystem {
  readonly run: ScriptRun
  readonly urls: SystemUrls
  /** The processes that it consists of, by name. */
  readonly processIds: Readonly<Record<keyof SystemUrls, number>>
}

/** Returns once the system has said that it is running. */
export async function startedSystem(
  dataDirectory: string,
  environment: Readonly<Record<string, string>> = {},
  cwd?: string,
  words: readonly string[] = [],
): Promise<StartedSystem> {
  const all = { DATA_DIR: dataDirectory, ...freePorts, ...environment }
  const run = startScript('start', words, all, cwd)
  let ended = false
  void run.ended.then(() => (ended = true))
  const url = (name: string) =>
    new RegExp(`^${name} listening on (.*)\n`, 'm').exec(run.stdout)?.[1] ?? ''
  const hasStarted = () => ['gateway', 'auth', 'users'].every((name) => url(name) !== '')
  await until(() => ended || hasStarted(), { atMost: 100_000 })
  if (ended) throw new Error(`the system did not start:\n${run.output}`)

  const processId = (path: string) =>
    childrenOf(run.process.pid!).find(({ command }) => command.includes(path))!.processId
  return {
    run,
    urls: { gateway: url('gateway'), auth: url('auth'), users: url('users') },
    processIds: {
      gateway: processId('gateway/main'),
      auth: processId('subgraphs/auth/main'),
      users: processId('subgraphs/users/main'),
    },
  }
}

/** Ends the system as Ctrl-C does: every process ends, nothing more is printed, the exit code is 0. */
export async function endsByCtrlC({ run, processIds }: StartedSystem): Promise<void> {
  const printed = run.output.length
  run.process.kill('SIGINT')
  expect(await run.ended).toBe(0)
  expect(Object.values(processIds).filter(isRunning)).toEqual([])
  expect(run.output.slice(printed)).toBe('')
}

/** The processes that a process has started. */
export function childrenOf(parent: number): { processId: number; command: string }[] {
  const list = execFileSync('ps', ['-A', '-o', 'pid=,ppid=,args='], { encoding: 'utf8' })
  return list.split('\n').flatMap((line) => {
    const [, processId, parentId, command = ''] = /^\s*(\d+)\s+(\d+)\s+(.*)$/.exec(line) ?? []
    return Number(parentId) === parent ? [{ processId: Number(processId), command }] : []
  })
}

export function isRunning(processId: number): boolean {
  try {
    process.kill(processId, 0)
    return true
  } catch {
    return false
  }
}
