import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { runCompiled } from '../../support/run-compiled.ts'

export const repository = fileURLToPath(new URL('../../../', import.meta.url))

export interface ScriptRun {
  /** All that was printed so far. */
  readonly stdout: string
  readonly stderr: string
  /** Both, as they came. */
  readonly output: string
  readonly process: ChildProcess
  readonly ended: Promise<number | NodeJS.Signals>
}

/** Starts a script of the repository as `npm run NAME` does. */
export function startScript(
  name: string,
  words: readonly string[] = [],
  environment: Readonly<Record<string, string>> = {},
  cwd: string = repository,
): ScriptRun {
  return startModule(`scripts/${name}`, words, environment, cwd)
}

/** Starts a module of the repository, named without its ending. */
export function startModule(
  module: string,
  words: readonly string[] = [],
  environment: Readonly<Record<string, string>> = {},
  cwd: string = repository,
): ScriptRun {
  return startProcess(runCompiled(module, ...words), cwd, environment)
}

/** Starts Node with these words. The settings of the machine that tests stay out. */
export function startProcess(
  words: readonly string[],
  cwd: string,
  environment: Readonly<Record<string, string>>,
): ScriptRun {
  return startProgram(process.execPath, words, cwd, environment)
}

/** Starts a line of a shell, which becomes the process that the line names. */
export function startLine(
  line: string,
  cwd: string,
  environment: Readonly<Record<string, string>> = {},
): ScriptRun {
  return startProgram('sh', ['-c', `exec env ${line}`], cwd, environment)
}

function startProgram(
  program: string,
  words: readonly string[],
  cwd: string,
  environment: Readonly<Record<string, string>>,
): ScriptRun {
  const child = spawn(program, words, {
    cwd,
    env: { PATH: process.env.PATH, HOME: process.env.HOME, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const printed = { stdout: '', stderr: '', output: '' }
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (text: string) => {
      printed[name] += text
      printed.output += text
    })
  }
  const ended = new Promise<number | NodeJS.Signals>((resolve) => {
    child.once('close', (code, signal) => resolve(code ?? signal!))
  })
  return Object.assign(printed, { process: child, ended })
}

/** Returns what it printed and its exit code. */
export async function runScript(...parts: Parameters<typeof startScript>) {
  const run = startScript(...parts)
  const exitCode = await run.ended
  return { exitCode, stdout: run.stdout, stderr: run.stderr }
}
