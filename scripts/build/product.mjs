/** The product as JavaScript: what to compile, and what lies beside it. */
import { spawnSync } from 'node:child_process'
import { cpSync, readdirSync } from 'node:fs'
import { createRequire } from 'node:module'
import { basename, dirname, extname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = fileURLToPath(new URL('../../', import.meta.url))

const folders = ['gateway', 'subgraphs', 'scripts']

/** Returns the files that the product is made of, as paths from the root. */
export function productFiles() {
  return folders.flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name).slice(root.length).replaceAll('\\', '/'))
      .filter((file) => !/(^|\/)(dist|node_modules|peers)\//.test(file)),
  )
}

/** Returns the path of the TypeScript compiler; undefined where development dependencies are left out. */
export function compiler() {
  try {
    const manifest = createRequire(import.meta.url).resolve('typescript/package.json')
    return join(dirname(manifest), 'bin', 'tsc')
  } catch (cause) {
    if (cause.code === 'MODULE_NOT_FOUND') return undefined
    throw cause
  }
}

/** Runs the compiler, which prints what is wrong. Returns whether nothing was. */
export function compile(project, options = []) {
  const { status, error } = spawnSync(process.execPath, [compiler(), '-p', project, ...options], {
    cwd: root,
    stdio: ['ignore', process.stderr, process.stderr],
  })
  if (error) throw error
  return status === 0
}

/** Copies schemas, configuration and whatever else lies beside the code that reads it. */
export function copyAssets(target) {
  for (const file of productFiles()) {
    if (isAsset(file)) cpSync(join(root, file), join(target, file))
  }
}

const notAssets = ['', '.ts', '.mjs', '.md']
/** What makes the kit a package of its own has no meaning there. */
const ofThePackage = ['package.json', 'tsconfig.json']

function isAsset(file) {
  return !notAssets.includes(extname(file)) && !ofThePackage.includes(basename(file))
}
