/** The files of the product: those to compile, and those to copy. */
import { spawnSync } from 'node:child_process'
import { cpSync, readdirSync } from 'node:fs'
import { createRequire } from 'node:module'
import { basename, dirname, extname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = fileURLToPath(new URL('../../', import.meta.url))

const folders = ['gateway', 'subgraphs', 'scripts']

/** Returns the files of the product, as paths from the root. */
export function productFiles() {
  return folders.flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name).slice(root.length).replaceAll('\\', '/'))
      .filter((file) => !/(^|\/)(dist|node_modules|peers)\//.test(file)),
  )
}

/** Returns the path of the TypeScript compiler; undefined without the development dependencies. */
export function compiler() {
  try {
    const manifest = createRequire(import.meta.url).resolve('typescript/package.json')
    return join(dirname(manifest), 'bin', 'tsc')
  } catch (cause) {
    if (cause.code === 'MODULE_NOT_FOUND') return undefined
    throw cause
  }
}

/** Runs the compiler, which prints the problems. Returns whether there were none. */
export function compile(project, options = []) {
  const { status, error } = spawnSync(process.execPath, [compiler(), '-p', project, ...options], {
    cwd: root,
    stdio: ['ignore', process.stderr, process.stderr],
  })
  if (error) throw error
  return status === 0
}

/** Copies schemas, configuration and the other files that the code reads. */
export function copyAssets(target) {
  for (const file of ['supergraph.yaml', ...productFiles().filter(isAsset)]) {
    cpSync(join(root, file), join(target, file))
  }
}

const notAssets = ['', '.ts', '.mjs', '.md']
/** Bundled by bundle-console.mjs. */
const ofTheConsole = /^gateway\/console\//
/** The package files of the kit, which have no meaning there. */
const ofThePackage = ['package.json', 'tsconfig.json']

function isAsset(file) {
  if (ofTheConsole.test(file)) return false
  return !notAssets.includes(extname(file)) && !ofThePackage.includes(basename(file))
}
