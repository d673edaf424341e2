/**
 * Runs test files as Node runs modules: in the worker process itself, and not in a context of `vm`, in which each
 * file would load the product again. See modules.mjs for what is loaded.
 */
const { register } = require('node:module')
const { fileURLToPath, pathToFileURL } = require('node:url')
const { transformFileSync } = require('@swc/core')
const { default: JestRuntime } = require('jest-runtime')
const { isOwnTypescript, swcOptions } = require('./typescript.cjs')

// module.registerHooks, which replaces it, is not in Node 20.
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

  /** Puts `test`, `expect` and so on where globals.mjs finds them. `jest` has functions and spies, but no mock modules. */
  setGlobalsForRuntime(globals) {
    const jest = this._moduleMocker
    globalThis[Symbol.for('the globals of the test file')] = { ...globals, jest }
  }

  getSourceMaps() {
    return sourceMaps
  }

  /** The process is that of Node: nothing of it is replaced. */
  installGetBuiltinModule() {}
}

/** Source maps, which say where in TypeScript a line of a stack is: each is made when a stack has such a line. */
class SourceMaps extends Map {
  get(source) {
    if (!this.has(source) && isOwnTypescript(source)) this.set(source, sourceMapOf(source))
    return super.get(source)
  }
}

function sourceMapOf(url) {
  const options = { ...swcOptions, sourceMaps: true }
  const { map } = transformFileSync(fileURLToPath(new URL(url)), options)
  return `data:application/json;base64,${Buffer.from(map).toString('base64')}`
}

const sourceMaps = new SourceMaps()

module.exports = NativeRuntime
