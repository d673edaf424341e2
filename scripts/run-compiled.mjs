/**
 * Runs a module of the product, and the processes that it starts, from JavaScript:
 *
 *   node scripts/run-compiled.mjs scripts/start
 *
 * Four processes that read TypeScript would take their time to start, each anew.
 */
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { compiled } from './build/compiled.mjs'

const [, , name] = process.argv
const module = join(folder(), `${name}.js`)
process.argv.splice(1, 2, module)
await import(pathToFileURL(module))

function folder() {
  try {
    return compiled()
  } catch (cause) {
    console.error(`${name}: ${cause.message}`)
    process.exit(1)
  }
}
