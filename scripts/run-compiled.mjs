/**
 * Runs a module of the product, and the processes that it starts, from JavaScript, for the npm scripts:
 *
 *   node scripts/run-compiled.mjs scripts/portcullis start
 *
 * Starting four processes from TypeScript would take several times as long. Without the development
 * dependencies, the output of `npm run build` in dist/ runs.
 */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { compiled } from './build/compiled.mjs'

const [, , name, command] = process.argv
const module = await moduleToRun()
// Messages name the commands as the user of a checkout types them: see product-command.ts.
process.env.PORTCULLIS_RUN_BY = 'npm'
process.argv.splice(1, 2, module)
await import(pathToFileURL(module))

async function moduleToRun() {
  try {
    const path = join(await compiled(), `${name}.js`)
    if (existsSync(path)) return path
    throw new Error(
      'not part of the build: run `npm ci`, which installs the development dependencies',
    )
  } catch (cause) {
    console.error(`${commandName()}: ${cause.message}`)
    process.exit(1)
  }
}

/** The name in `npm run`: `bench` for scripts/bench, `auth` for subgraphs/auth/main. */
function commandName() {
  if (name === 'scripts/portcullis' && command !== undefined) return command
  return name
    .replace(/\/main$/, '')
    .split('/')
    .at(-1)
}
