/**
 * `npm run build`: compiles the product to dist/, and the kit to subgraphs/kit/dist as the package that
 * other teams install. It is JavaScript, so that it needs nothing compiled.
 */
import { spawnSync } from 'node:child_process'
import { cpSync, readdirSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { basename, dirname, extname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../', import.meta.url))
const sources = ['gateway', 'subgraphs', 'scripts']
const notCopied = ['', '.ts', '.mjs', '.md']
const ofThePackage = ['package.json', 'tsconfig.json']

clear('dist')
compile('tsconfig.build.json')
sources.forEach(copyAssets)

clear('subgraphs/kit/dist')
compile('subgraphs/kit/tsconfig.json')

console.log('built: dist (the product), subgraphs/kit/dist (the package @portcullis/kit)')

function clear(folder) {
  rmSync(join(root, folder), { recursive: true, force: true })
}

/** The compiler prints what is wrong; the build ends with its exit code. */
function compile(project) {
  const manifest = createRequire(import.meta.url).resolve('typescript/package.json')
  const compiler = join(dirname(manifest), 'bin', 'tsc')
  const { status, error } = spawnSync(process.execPath, [compiler, '-p', join(root, project)], {
    cwd: root,
    stdio: ['ignore', process.stderr, process.stderr],
  })
  if (error) throw error
  if (status === 0) return
  console.error(`build: ${project} does not compile`)
  process.exit(status ?? 1)
}

/** Schemas, configuration and whatever else lies beside the code that reads it. */
function copyAssets(folder) {
  for (const path of readdirSync(join(root, folder), { recursive: true })) {
    const file = join(folder, path)
    if (isAsset(file)) cpSync(join(root, file), join(root, 'dist', file))
  }
}

function isAsset(file) {
  return (
    !notCopied.includes(extname(file)) &&
    !ofThePackage.includes(basename(file)) &&
    !/(^|\/)(dist|node_modules)\//.test(file.replaceAll('\\', '/'))
  )
}
