/** The product as JavaScript, compiled when its sources have changed since it was compiled last. */
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { compile, copyAssets, productFiles, root } from './product.mjs'

const projects = ['tsconfig.json', 'tsconfig.build.json', 'tsconfig.run.json']

/**
 * Returns the folder of the compiled files: under node_modules/.cache, by the hash of their sources.
 * Throws when they do not compile.
 */
export function compiled() {
  const cache = join(root, 'node_modules', '.cache', 'portcullis')
  const folder = join(cache, sourcesHash())
  if (existsSync(folder)) return folder

  const draft = join(cache, `draft-${process.pid}`)
  mkdirSync(draft, { recursive: true })
  writeFileSync(join(draft, 'package.json'), '{ "type": "module" }\n')
  if (!compile('tsconfig.run.json', ['--noCheck', '--outDir', draft])) {
    rmSync(draft, { recursive: true })
    throw new Error('the sources do not compile')
  }
  copyAssets(draft)
  publish(draft, folder)
  forgetOld(cache, folder)
  return folder
}

/** What was compiled more than a day ago belongs to sources that are no more. */
function forgetOld(cache, current) {
  const dayAgo = Date.now() - 24 * 60 * 60 * 1000
  for (const name of readdirSync(cache)) {
    const folder = join(cache, name)
    if (folder === current || statSync(folder).mtimeMs > dayAgo) continue
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Who comes second finds the same files under that name already. */
function publish(draft, folder) {
  try {
    renameSync(draft, folder)
  } catch (cause) {
    if (!existsSync(folder)) throw cause
    rmSync(draft, { recursive: true })
  }
}

function sourcesHash() {
  const hash = createHash('sha256')
  for (const file of [...projects, ...productFiles().sort()]) {
    hash
      .update(`${file}\0`)
      .update(readFileSync(join(root, file)))
      .update('\0')
  }
  return hash.digest('hex').slice(0, 32)
}
