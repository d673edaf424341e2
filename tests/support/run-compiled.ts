import { fileURLToPath } from 'node:url'

const runner = fileURLToPath(new URL('../../scripts/run-compiled.mjs', import.meta.url))

/** Returns the words after `node` that run a module of the product, named without its ending. */
export function runCompiled(module: string, ...words: string[]): string[] {
  return [runner, module, ...words]
}
