/** Runs a module from TypeScript, for modules that import tests: `node scripts/run-source.mjs scripts/fuzz.ts` */
import { basename, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { root } from './build/product.mjs'

const [, , name] = process.argv
const { register } = await import('tsx/esm/api').catch(() => {
  console.error(
    `${basename(name, '.ts')}: tsx is not installed: run \`npm ci\`, which installs the development dependencies`,
  )
  process.exit(1)
})
register()
const module = join(root, name)
process.argv.splice(1, 2, module)
await import(pathToFileURL(module))
