/**
 * Modules of this project that run in a process or a thread of their own: TypeScript from TypeScript,
 * compiled from compiled. They are named without their ending, relative to the module that asks.
 */
import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'

/** How Node is told to run a module. */
export interface OwnModule {
  readonly path: string
  readonly execArgv: readonly string[]
}

/** Returns how to run the module in a process. */
export function ownModule(name: string, askedBy: string): OwnModule {
  const typescript = isTypescript(askedBy)
  return {
    path: fileURLToPath(moduleUrl(name, askedBy)),
    execArgv: typescript ? ['--import', import.meta.resolve('tsx')] : [],
  }
}

/** Returns a thread that runs the module. */
export function ownThread(name: string, askedBy: string, workerData: unknown): Worker {
  const url = moduleUrl(name, askedBy)
  if (!isTypescript(askedBy)) return new Worker(url, { workerData })
  // tsx does not reach into threads by itself on Node 20.
  const loader = JSON.stringify(import.meta.resolve('tsx/esm/api'))
  const code = `import(${loader}).then((tsx) => { tsx.register(); return import(${JSON.stringify(url.href)}) })`
  return new Worker(code, { eval: true, workerData })
}

function moduleUrl(name: string, askedBy: string): URL {
  return new URL(name + (isTypescript(askedBy) ? '.ts' : '.js'), askedBy)
}

function isTypescript(url: string): boolean {
  return url.endsWith('.ts')
}
