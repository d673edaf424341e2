/**
 * `npm run build`: compiles the product to dist/, and the kit to subgraphs/kit/dist as the package that
 * other teams install.
 */
import { chmodSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { bundleConsole, consoleFolder } from './build/bundle-console.mjs'
import { noteSources } from './build/compiled.mjs'
import { compile, compiler, copyAssets, root } from './build/product.mjs'

const usage = `
Usage: npm run build

Compiles the product to dist/, and the kit to subgraphs/kit/dist. It needs the development dependencies
(npm ci); what it builds does not (npm ci --omit=dev).

  --help   prints this text

Exit code: 0 if both compile, 1 otherwise.
`

const words = process.argv.slice(2)
if (words.includes('--help') || words.includes('-h')) {
  console.log(usage.trim())
  process.exit(0)
}
if (words.length > 0) fail(`Unknown option ${JSON.stringify(words[0])}: see --help`)
if (compiler() === undefined) {
  fail('TypeScript is not installed: run `npm ci`, which installs the development dependencies')
}
build('tsconfig.build.json', 'dist')
copyAssets(join(root, 'dist'))
if (!compile(consoleFolder)) fail(`${consoleFolder} does not compile`)
await bundleConsole(join(root, 'dist'))
// As npm does when it installs the package: `npx portcullis` works in the checkout, too.
chmodSync(join(root, 'dist/scripts/portcullis.js'), 0o755)
noteSources()
build('subgraphs/kit/tsconfig.json', 'subgraphs/kit/dist')
console.log('built: dist (the product), subgraphs/kit/dist (the package @portcullis/kit)')

function build(project, folder) {
  rmSync(join(root, folder), { recursive: true, force: true })
  if (!compile(project)) fail(`${project} does not compile`)
}

function fail(sentence) {
  console.error(`build: ${sentence}`)
  process.exit(1)
}
