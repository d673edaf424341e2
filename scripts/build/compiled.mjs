/** The product as JavaScript: compiled when its sources have changed, or the output of `npm run build`. */
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { bundleConsole } from './bundle-console.mjs'
import { compile, compiler, copyAssets, productFiles, root } from './product.mjs'

const cachePath = join('node_modules', '.cache', 'portcullis')
const projects = ['tsconfig.json', 'tsconfig.build.json', 'tsconfig.run.json']

/** The file in which `npm run build` records which sources it compiled. */
const sourcesNote = join(root, 'dist', '.sources')

/**
 * Returns the folder of the compiled files. With the development dependencies installed: under
 * node_modules/.cache, by the hash of their sources. Without them: dist/, if it was built from these
 * sources. Throws if the sources do not compile, or if there is no usable build.
 */
export async function compiled() {
  if (compiler() === undefined) return built()
  try {
    return await compiledNow()
  } catch (cause) {
    // On a read-only file system, as in many containers, the output of `npm run build` is used.
    if (cause.syscall === undefined) throw cause
    if (isBuiltFromSources()) return built()
    throw new Error(
      `the sources cannot be compiled to ${cachePath} (${cause.code}): run \`npm run build\` as a user who may write to this checkout`,
      { cause },
    )
  }
}

/** Records in dist/ the sources from which it was built. */
export function noteSources() {
  writeFileSync(sourcesNote, `${sourcesHash()}\n`)
}

function built() {
  if (!existsSync(sourcesNote)) {
    throw new Error('nothing is built yet: run `npm ci && npm run build`, then `npm ci --omit=dev`')
  }
  if (!isBuiltFromSources()) {
    throw new Error(
      'the sources have changed since dist/ was built: run `npm ci && npm run build`, then `npm ci --omit=dev`',
    )
  }
  return join(root, 'dist')
}

function isBuiltFromSources() {
  return existsSync(sourcesNote) && readFileSync(sourcesNote, 'utf8').trim() === sourcesHash()
}

async function compiledNow() {
  const cache = join(root, cachePath)
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
  await bundleConsole(draft)
  publish(draft, folder)
  forgetOld(cache, folder)
  return folder
}

/** Output that is more than a day old belongs to sources that have changed since. */
function forgetOld(cache, current) {
  const dayAgo = Date.now() - 24 * 60 * 60 * 1000
  for (const name of readdirSync(cache)) {
    const folder = join(cache, name)
    if (folder === current || statSync(folder).mtimeMs > dayAgo) continue
    rmSync(folder, { recursive: true, force: true })
  }
}

/** A second process finds the same files under that name already. */
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
    if (isConfiguration(file)) continue
    hash
      .update(`${file}\0`)
      .update(readFileSync(join(root, file)))
      .update('\0')
  }
  return hash.digest('hex').slice(0, 32)
}

/** An operator may edit it after the build, so it is not copied: see gateway/configuration/shipped-config.ts. */
function isConfiguration(file) {
  return file === 'gateway/gateway.yaml'
}
