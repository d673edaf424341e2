/**
 * Modules of this project that run in a process of their own: TypeScript from TypeScript, compiled from
 * compiled. Their names have no extension, and are relative to the calling module.
 */
import { fileURLToPath } from 'node:url'

/** The arguments with which Node runs a module. */
export interface OwnModule {
  readonly path: string
  readonly execArgv: readonly string[]
}

/** Returns how to run the module in a process. */
export function ownModule(name: string, askedBy: string): OwnModule {
  const isTypescript = askedBy.endsWith('.ts')
  return {
    path: fileURLToPath(new URL(name + (isTypescript ? '.ts' : '.js'), askedBy)),
    execArgv: isTypescript ? ['--import', import.meta.resolve('tsx')] : [],
  }
}
