/**
 * Runs a module of the product, and the processes that it starts, from JavaScript:
 *
 *   node scripts/run-compiled.mjs scripts/start
 *
 * Starting four processes from TypeScript would take several times as long. Without the development
 * dependencies, the output of `npm run build` in dist/ runs.
 */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { compiled } from './build/compiled.mjs'

const [, , name] = process.argv
const module = moduleToRun()
process.argv.splice(1, 2, module)
await import(pathToFileURL(module))

function moduleToRun() {
  try {
    const path = join(compiled(), `${name}.js`)
    if (existsSync(path)) return path
    throw new Error(
      'not part of the build: run `npm ci`, which installs the development dependencies',
    )
  } catch (cause) {
    console.error(`${commandName()}: ${cause.message}`)
    process.exit(1)
  }
}

/** The name in `npm run`: `keys` for scripts/keys, `auth` for subgraphs/auth/main. */
function commandName() {
  return name
    .replace(/\/main$/, '')
    .split('/')
    .at(-1)
}
