/**
 * Runs test files as Node runs modules: in the worker process itself, and not in a context of `vm`, in which each
 * file would load the product again. See modules.mjs for what is loaded.
 */
const { writeFileSync } = require('node:fs')
const { register } = require('node:module')
const { tmpdir } = require('node:os')
const { join } = require('node:path')
const { fileURLToPath, pathToFileURL } = require('node:url')
const { transformFileSync } = require('@swc/core')
const { default: JestRuntime } = require('jest-runtime')
const { isOwnTypescript, swcOptions } = require('./typescript.cjs')

register('./modules.mjs', pathToFileURL(__filename))

/** How many files this process has run. */
let files = 0

class NativeRuntime extends JestRuntime {
  unstable_shouldLoadAsEsm() {
    return true
  }

  async unstable_importModule(path) {
    await import(`${pathToFileURL(path)}?file=${++files}`)
  }

  /** The part of Jest that has the tests of one file. What it requires has no state, and is kept. */
  requireInternalModule(path) {
    delete require.cache[path]
    return require(path)
  }

  /** Puts `test`, `expect` and so on where globals.mjs finds them. */
  setGlobalsForRuntime(globals) {
    globalThis[Symbol.for('the globals of the test file')] = {
      ...globals,
      jest: this.jestGlobals.jestObjectFor(this._testPath),
    }
  }

  getSourceMaps() {
    return sourceMaps
  }

  /** The process is that of Node: nothing of it is replaced. */
  installGetBuiltinModule() {}
}

/** The files that say where in TypeScript a line of a stack is: each is made when a stack has such a line. */
class SourceMaps extends Map {
  get(source) {
    if (!this.has(source) && isOwnTypescript(source)) this.set(source, sourceMapOf(new URL(source)))
    return super.get(source)
  }
}

function sourceMapOf(url) {
  const file = join(tmpdir(), `portcullis-${process.pid}-${url.pathname.replaceAll('/', '+')}.map`)
  const { map } = transformFileSync(fileURLToPath(url), { ...swcOptions, sourceMaps: true })
  writeFileSync(file, map)
  return file
}

const sourceMaps = new SourceMaps()

module.exports = NativeRuntime
